/** The rooms of a user as their inbox tells: joins and leaves, in the inbox's order. */
import { decodeEvent } from '@roomlog/protocol'
import type { EdgeParts } from './edge.js'
import type { RoomRecord } from './record.js'
import type { Room } from './room.js'

export type InboxChange = { joined: string; seq: number; offset: number } | { left: string; seq: number; reason: string }

/** What an event of the inbox means for the set of rooms. */
export function inboxChange(record: RoomRecord): InboxChange | undefined {
  if (record.type !== 'room.joined' && record.type !== 'room.left') return undefined
  const { room, seq, offset, reason } = JSON.parse(decodeEvent(record.value).content) as {
    room: string
    seq: number
    offset: number
    reason?: string
  }
  return record.type === 'room.joined' ? { joined: room, seq, offset } : { left: room, seq, reason: reason ?? 'left' }
}

/** The rooms that the inbox names up to `seq`; read on from `known` where that is no later. */
export async function roomsAt(
  inbox: Room,
  seq: number,
  edge: EdgeParts,
  known?: { ids: readonly string[]; seq: number; offset: number },
): Promise<Set<string>> {
  const from = known && known.seq <= seq ? known : undefined
  const rooms = new Set<string>(from?.ids)
  const cursor = { seq: from?.seq ?? 0, offset: from?.offset, logBudget: 0 }
  while (cursor.seq < seq) {
    const page = await edge.replay.page(inbox, cursor)
    for (const record of page.records) {
      if (record.seq > seq) return rooms
      const change = inboxChange(record)
      if (change && 'joined' in change) rooms.add(change.joined)
      else if (change) rooms.delete(change.left)
      cursor.seq = record.seq
    }
    if (!page.progress) throw new Error(`nobody has seq ${cursor.seq + 1} of an inbox yet`)
    Object.assign(cursor, page.cursor)
  }
  return rooms
}
