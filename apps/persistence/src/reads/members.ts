import { membersPage } from '../store/members.js'
import { powersOf } from '../store/power.js'
import { type Answer, isRefused, jsonWith, pageLimit, type Reading } from './read.js'
import { viewRoom } from './view.js'

/** Who is in the room, in the order of their IDs; `next` is the `after` of the following page. */
export async function members(reading: Reading): Promise<Answer> {
  const view = await viewRoom(reading, 'now')
  if (isRefused(view)) return view
  const { dataSource, input } = reading
  const limit = pageLimit(reading, reading.limits.pageEvents)
  const memberships = input.membership?.split(',') ?? ['joined', 'invited', 'knocking']
  const [rows, power] = await Promise.all([
    membersPage(dataSource, { room: view.room, memberships, after: input.after, search: input.search, limit: limit + 1 }),
    powersOf(dataSource, view.room),
  ])
  const shown = rows.slice(0, limit)
  const members = shown.map(({ user, name, avatar, membership }) => jsonWith({ user, name, avatar, membership, power: power(user) }))
  return jsonWith({ next: rows.length > limit ? shown.at(-1)?.user : undefined }, { members: `[${members.join(',')}]` })
}
