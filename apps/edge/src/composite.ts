/**
 * Where a sync begins: a composite position and the newest event positions since, as cursors.
 *
 * The set of a composite's rooms is the fold of the inbox at its inbox position, never the present memberships. A room that
 * stands behind is named with its `seq`; every other one is covered up to its partition's offset. An event position moves its
 * own room only, and where it is one of the inbox, it moves only what is delivered of the inbox: the rooms that were joined
 * between the two are met again and start at their joins.
 */
import { type CompositePosition, eventId, type Position, parseComposite, parsePosition } from '@roomlog/log'
import { decodeEvent } from '@roomlog/protocol'
import type { EdgeParts } from './edge.js'
import type { Feed } from './feed.js'
import { RoomRecord } from './record.js'
import type { Room } from './room.js'

export interface SyncStart {
  composite: CompositePosition
  /** The newest event that the client has, by room. */
  newest: Map<string, { seq: number; offset: number }>
}

/** `reset`: what the client holds cannot be continued. */
export async function syncStart(
  positions: readonly string[],
  inbox: Room,
  edge: EdgeParts,
): Promise<SyncStart | { reset: string } | { invalid: string }> {
  const composite = parseComposite(positions[0] ?? '')
  if (!composite) return { invalid: 'a sync begins with the position of a sync' }
  const newest = new Map<string, { seq: number; offset: number }>()
  for (const text of positions.slice(1)) {
    const place = parsePosition(text)
    if (!place) return { invalid: 'not a position' }
    if (place.partition >= edge.rooms.partitionCount) return { reset: 'unknown_position' }
    const feed = place.epoch === inbox.feed.epoch ? inbox.feed : await edge.rooms.feedOf(place.partition)
    const found = await namedBy(place, feed, edge)
    if ('reset' in found) return found
    const before = newest.get(found.room)
    if (!before || before.seq < found.seq) newest.set(found.room, { seq: found.seq, offset: found.offset + 1 })
  }
  return { composite, newest }
}

/** The first offset of the room's partition that the composite does not cover. `reset` where the log is another one or shorter. */
export function coveredTo(composite: CompositePosition, feed: Feed): number | { reset: string } | undefined {
  const found = composite.partitions.find(([partition]) => partition === feed.partition)
  if (!found) return undefined
  const [, epoch, offset] = found
  if (epoch !== feed.epoch) return { reset: 'wrong_epoch' }
  return offset > feed.next ? { reset: 'beyond_end' } : offset
}

/** The last `seq` of the room that stands below `offset`. */
export async function seqBelow(room: Room, offset: number, edge: EdgeParts): Promise<number> {
  const { feed, tail } = room
  const end = parsePosition(room.tailPosition)!
  if (tail.seq === 0 || end.offset < offset) return tail.seq
  if (offset >= feed.ring.start) return feed.ring.of(room.id, offset)[0]!.seq - 1
  if (feed.next - offset <= edge.limits.replayRecords) return scanBelow(room, offset, edge)
  const { through } = await edge.history.events(room.id, tail.seq, 1)
  return through < offset ? scanBelow(room, offset, edge) : searchBelow(room, offset, edge)
}

/** By the first event of the room that stands there or later. */
async function scanBelow(room: Room, offset: number, edge: EdgeParts): Promise<number> {
  const { feed } = room
  for (let next = offset; next < feed.next; ) {
    const chunk = await edge.chunks.readKept(feed, next)
    if (!chunk) return searchBelow(room, offset, edge)
    const found = chunk.records.find((record) => record.key === room.id && record.offset >= offset && record.headers.seq !== undefined)
    if (found) return Number(found.headers.seq) - 1
    if (chunk.next <= next) break
    next = chunk.next
  }
  return room.tail.seq
}

/** Offsets ascend with `seq`: persistence, which has everything below `offset`, is asked for a few of them. */
async function searchBelow(room: Room, offset: number, edge: EdgeParts): Promise<number> {
  let low = 0
  let high = room.tail.seq
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const [row] = (await edge.history.events(room.id, middle - 1, 1)).events
    if (row && row.offset < offset) low = middle
    else high = middle - 1
  }
  return low
}

interface Named {
  room: string
  seq: number
  offset: number
}

async function namedBy(place: Position, feed: Feed, edge: EdgeParts): Promise<Named | { reset: string }> {
  if (place.epoch !== feed.epoch) return { reset: 'wrong_epoch' }
  if (place.offset >= feed.next) await feed.caughtUp()
  if (place.offset >= feed.next) return { reset: 'beyond_end' }
  const chunk = await edge.chunks.readKept(feed, place.offset)
  if (!chunk) return trimmed(place, edge)
  const record = chunk.records.find(({ offset }) => offset === place.offset)
  const found = record && RoomRecord.of(record, feed)
  return found && found.seq === place.seq && found.check === place.check ? found : { reset: 'unknown_position' }
}

/** Persistence knows an event by its ID, of whatever age; the check in it is that of the position. */
async function trimmed(place: Position, edge: EdgeParts): Promise<Named | { reset: string }> {
  const text = await edge.history.event(eventId(place))
  const event = text === undefined ? undefined : decodeEvent(text)
  return event?.seq === place.seq ? { room: event.room, seq: event.seq, offset: place.offset } : { reset: 'unknown_position' }
}
