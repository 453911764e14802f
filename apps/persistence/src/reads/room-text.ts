import { powersFrom } from '../store/power.js'
import { aliasesOf } from '../store/rooms.js'
import type { UserRoom } from '../store/user-rooms.js'
import { eventText } from './event-text.js'
import { type JsonText, jsonWith, type Reading } from './read.js'
import { positionOf, viewOf } from './view.js'

/** Rooms of a list, each with its last message as far as the reader may see it. Those who are only invited see what the room is. */
export async function roomTexts(reading: Reading, rooms: readonly UserRoom[]): Promise<JsonText[]> {
  const aliases = await aliasesOf(
    reading.dataSource,
    rooms.map(({ room }) => room),
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
    const here = { power: powersFrom(row.power)(reading.principal.user), seq: access.seq, position: positionOf(view, row.lastEvent) }
    return jsonWith({ ...summary, ...here }, { lastMessage: last })
  })
}
