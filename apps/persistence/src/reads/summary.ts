import { eventAt } from '../store/find.js'
import { powersOf } from '../store/power.js'
import { aliasesOf, roomRow } from '../store/rooms.js'
import { type Answer, isRefused, jsonWith, notFound, type Reading } from './read.js'
import { positionOf, viewRoom } from './view.js'

/** What a room is, and what the reader is in it. `seq` and `position` only for those who see what happens there now. */
export async function summary(reading: Reading): Promise<Answer> {
  const view = await viewRoom(reading, 'room')
  if (isRefused(view)) return view
  const { dataSource, principal } = reading
  const [row, aliases, power] = await Promise.all([
    roomRow(dataSource, view.room),
    aliasesOf(dataSource, [view.room]),
    powersOf(dataSource, view.room),
  ])
  if (!row) return notFound()
  const last = view.current ? await eventAt(dataSource, view.room, view.access.seq) : undefined
  return jsonWith({
    room: row.room,
    type: row.type,
    name: row.name,
    topic: row.topicText,
    avatar: row.avatar,
    access: row.access,
    history: row.history,
    listed: row.listed,
    aliases: aliases.get(row.room) ?? [],
    memberCount: row.joined,
    membership: principal.anonymous ? undefined : view.membership,
    power: view.membership === 'joined' ? power(principal.user) : undefined,
    seq: last?.seq ?? row.seq,
    position: last && positionOf(view, last),
  })
}
