/**
 * Where a subscription begins: a position, a `seq`, the last n, or the tail. A position is a place to start and not a
 * proof: it is compared with the record that it names, and what it asks for plays no part in what may be seen.
 */
import { eventId, type Position, parseEventId, parsePosition } from '@roomlog/log'
import type { Chunks } from './chunks.js'
import type { History } from './ports.js'
import { RoomRecord, storedRecord } from './record.js'
import type { Cursor } from './replay.js'
import type { Room } from './room.js'

export interface StartInput {
  position?: string
  from?: number
  last?: number
}

/** `tail`: wherever the room ends when the subscription begins. `reset`: what the client holds cannot be continued. `invalid`: what it says makes no sense here. */
export type Started = { cursor: Cursor } | 'tail' | { reset: string } | { invalid: string }

/** Judged at the room's present tail; the room must be folded to the high watermark. */
export async function startOf(room: Room, input: StartInput, sources: { chunks: Chunks; history: History }): Promise<Started> {
  const { seq } = room.tail
  if (input.position !== undefined) return locate(room, input.position, sources)
  if (input.from !== undefined) return cursorAt(Math.min(input.from - 1, seq))
  if (input.last !== undefined) return cursorAt(Math.max(seq - input.last, 0))
  return 'tail'
}

const cursorAt = (seq: number, offset?: number): Started => ({ cursor: { seq, offset, logBudget: 0 } })

async function locate(room: Room, text: string, sources: { chunks: Chunks; history: History }): Promise<Started> {
  const place = parsePosition(text)
  if (!place) return { invalid: 'not a position' }
  const { feed } = room
  if (place.partition !== feed.partition) return { invalid: 'a position of another room' }
  // Nothing had happened yet: the beginning, in every epoch.
  if (place.seq === 0) return cursorAt(0)
  if (place.epoch !== feed.epoch) return { reset: 'wrong_epoch' }
  if (place.offset >= feed.next) return { reset: 'beyond_end' }
  const found = feed.ring.at(place.offset) ?? (await recordAt(room, place, sources))
  if (found === undefined) return { reset: 'unknown_position' }
  if (found.room !== room.id) return { invalid: 'a position of another room' }
  if (found.seq !== place.seq || found.check !== place.check) return { reset: 'unknown_position' }
  return cursorAt(place.seq, place.offset + 1)
}

async function recordAt(
  room: Room,
  place: Position,
  { chunks, history }: { chunks: Chunks; history: History },
): Promise<RoomRecord | undefined> {
  const chunk = await chunks.readKept(room.feed, place.offset)
  if (chunk) {
    const found = chunk.records.find((record) => record.offset === place.offset)
    return found && RoomRecord.of(found, room.feed)
  }
  const { events } = await history.events(room.id, place.seq - 1, 1)
  const row = events[0]
  if (row?.seq !== place.seq || row.offset !== place.offset) return undefined
  const id = (JSON.parse(row.bytes) as { id: string }).id
  if (parseEventId(id)?.check !== place.check || id !== eventId(place)) return undefined
  return storedRecord(room.id, row, room.feed)
}
