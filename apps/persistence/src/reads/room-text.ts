import { position } from '@roomlog/log'
import { readAccess } from '../store/access.js'
import { powersOf } from '../store/power.js'
import { aliasesOf } from '../store/rooms.js'
import type { UserRoomRow } from '../store/user-rooms.js'
import { eventText } from './history.js'
import { type JsonText, jsonWith, type Reading } from './read.js'
import { viewOf } from './view.js'

/** Rooms of a list, each with its last message as far as the reader may see it. Those who are only invited see what the room is. */
export async function roomText(reading: Reading, rows: readonly UserRoomRow[]): Promise<JsonText[]> {
  const { dataSource, principal, partitions } = reading
  const aliases = await aliasesOf(
    dataSource,
    rows.map(({ room }) => room),
  )
  return Promise.all(
    rows.map(async (row) => {
      const joined = row.membership === 'joined'
      const summary = {
        room: row.room,
        type: row.type,
        name: row.name,
        topic: row.topic_text,
        avatar: row.avatar,
        access: row.access,
        history: row.history,
        aliases: aliases.get(row.room) ?? [],
        memberCount: row.joined,
        membership: row.membership,
      }
      if (!joined) return jsonWith(summary)
      const [access, power] = await Promise.all([
        readAccess(dataSource, row.room, principal.user, partitions),
        powersOf(dataSource, row.room),
      ])
      const view = viewOf(row.room, access, principal)
      const message =
        row.last_message && view.timeline.maySee(row.last_message.seq) ? eventText(reading, view, row.last_message) : undefined
      const at = position({ epoch: row.epoch, partition: row.partition, offset: row.last_offset, seq: row.seq, check: row.last_proof })
      return jsonWith({ ...summary, power: power(principal.user), seq: row.seq, position: at }, { lastMessage: message })
    }),
  )
}
