import { powersFrom } from '../store/power.js'
import { aliasesOf } from '../store/rooms.js'
import { unreadOf } from '../store/unread.js'
import type { UserRoom } from '../store/user-rooms.js'
import { eventText } from './event-text.js'
import { type JsonText, jsonWith, type Reading } from './read.js'
import { positionOf, viewOf } from './view.js'

/** Rooms of a list, each with its last message as far as the reader may see it, and what they have not read. Those who are only invited see what the room is. */
export async function roomTexts(reading: Reading, rooms: readonly UserRoom[]): Promise<JsonText[]> {
  const aliases = await aliasesOf(
    reading.dataSource,
    rooms.map(({ room }) => room),
  )
  const unread = await unreadOf(
    reading.dataSource,
    reading.principal.user,
    rooms
      .filter(({ membership }) => membership === 'joined')
      .map(({ room, access }) => ({ room, since: joinOf(access), last: access.seq })),
  )
  return rooms.map((row) => {
    const { room, type, name, topic, avatar, history, membership, joined, access } = row
    const summary = {
      room,
      type,
      name,
      topic,
      avatar,
      access: access.access,
      history,
      aliases: aliases.get(room) ?? [],
      memberCount: joined,
      membership,
    }
    if (membership !== 'joined') return jsonWith(summary)
    const view = viewOf(room, access, reading.principal)
    const last = row.lastMessage && view.timeline.maySee(row.lastMessage.seq) ? eventText(reading, view, row.lastMessage) : undefined
    const { more, ...count } = unread.get(room)!
    const here = {
      power: powersFrom(row.power)(reading.principal.user),
      seq: access.seq,
      position: positionOf(view, row.lastEvent),
      ...count,
      unreadMore: more || undefined,
    }
    return jsonWith({ ...summary, ...here }, { lastMessage: last })
  })
}

/** `seq` of the last join. */
const joinOf = ({ membership }: UserRoom['access']) => membership.findLast(([, value]) => value === 'joined')?.[0] ?? 0
