/**
 * Reads the checkpoint of one partition from `<family>.state`: per room the complete set of chunks of the highest owner (and of
 * its sets, the one with most chunks), and the partition's head.
 *
 * A former owner that was paused may have written after its successor, and a write may land long after it was given up.
 * Chunks are only ever older then, never wrong, because each says what it is folded `through`. So the replay starts where the
 * oldest of such records ends. Two signs find them: an owner below an earlier record's; and standing behind the head while
 * being folded less far than it, which holds also where compaction has taken the earlier record.
 */
import type { Log, LogRecord } from '@roomlog/log'
import { type Head, headKey } from '@roomlog/protocol'
import { chunkKeys, parseChunkKey } from './chunk-key.js'
import { emptyHead } from './head.js'
import { Chunk, Room } from './room.js'
import { Slice } from './slice.js'

export interface Restored {
  rooms: Map<string, Room>
  /** Rooms that should be written anew before the next head: there is more of them than one set. */
  unclean: Set<Room>
  head: Head
  /** Offset of the events from which to replay. */
  from: number
  /** Highest offset that anything in the checkpoint is folded through. */
  through: number
  /** End of the state topic, as far as it was read. */
  end: number
  /** Keys of chunks that no room uses; to be removed before the next head is written. */
  leftovers: string[]
  /** Records of paused former owners. */
  stale: number
}

interface Written {
  offset: number
  owner: number
  through: number
  /** Of the log that it was folded from. */
  epoch: string
  /** undefined = removed. */
  value: Buffer | undefined
}

/** `bytesMax` of one read: few reads, each a short pause for the process's other tasks. */
const readBytesMax = 2_097_152

export async function restore(log: Log, topic: string, partition: number): Promise<Restored> {
  const slice = new Slice()
  const { latest, end, ...signs } = await readLatest(log, topic, partition, slice)
  const headRecord = latest.get(headKey)
  latest.delete(headKey)
  const head = headRecord?.value ? (JSON.parse(headRecord.value.toString()) as Head) : emptyHead
  let { from, stale } = signs
  let through = head.through
  const leftovers: string[] = []
  for (const [key, written] of latest) {
    if (headRecord && written.epoch !== headRecord.epoch) {
      latest.delete(key)
      if (written.value) leftovers.push(key)
      continue
    }
    const pause = slice.yield()
    if (pause) await pause
    if (written.value) through = Math.max(through, written.through)
    if (!headRecord || written.offset < head.stands || written.through >= head.through) continue
    from = Math.min(from, written.through)
    stale++
  }
  const { rooms, unclean } = await assemble(latest, leftovers, slice)
  return { rooms, unclean, head, from: Math.min(head.through, from), through, end, leftovers, stale }
}

/** The last record of each key, and what the first sign says. */
async function readLatest(log: Log, topic: string, partition: number, slice: Slice) {
  const latest = new Map<string, Written>()
  const { start, end } = await log.range(topic, partition)
  let at = start
  let ownerMax = -1
  let from = Number.POSITIVE_INFINITY
  let stale = 0
  while (at < end) {
    const batch = await log.read(topic, partition, at, { bytesMax: readBytesMax })
    for (const record of batch.records) {
      const written = writtenOf(record)
      if (written.owner < ownerMax) {
        from = Math.min(from, written.through)
        stale++
      }
      ownerMax = Math.max(ownerMax, written.owner)
      latest.set(record.key!, written)
      const pause = slice.yield()
      if (pause) await pause
    }
    at = batch.next
  }
  return { latest, end: at, from, stale }
}

function writtenOf(record: LogRecord): Written {
  const { owner, through, epoch } = record.headers
  // Copied: a record's value may be a slice of a large network buffer, which would live as long as the room is quiet.
  const value = record.value ? Buffer.from(record.value) : undefined
  return { offset: record.offset, owner: Number(owner), through: Number(through), epoch: epoch!, value }
}

interface ChunkSet {
  owner: number
  found: number
  chunks: (Chunk | undefined)[]
}

async function assemble(
  latest: Map<string, Written>,
  leftovers: string[],
  slice: Slice,
): Promise<{ rooms: Map<string, Room>; unclean: Set<Room> }> {
  const found = new Map<string, ChunkSet[]>()
  for (const [key, { value, through }] of latest) {
    if (value === undefined) continue
    const { room, chunks, index, owner } = parseChunkKey(key)
    let sets = found.get(room)
    if (!sets) found.set(room, (sets = []))
    let set = sets.find((one) => one.owner === owner && one.chunks.length === chunks)
    if (!set) sets.push((set = { owner, found: 0, chunks: new Array(chunks).fill(undefined) }))
    set.chunks[index] = new Chunk(value, through)
    set.found++
    const pause = slice.yield()
    if (pause) await pause
  }
  const rooms = new Map<string, Room>()
  const unclean = new Set<Room>()
  for (const [name, sets] of found) {
    const pause = slice.yield()
    if (pause) await pause
    const [best] = sets
      .filter((set) => set.found === set.chunks.length)
      .sort((a, b) => b.owner - a.owner || b.chunks.length - a.chunks.length)
    for (const set of sets) {
      if (set !== best) leftovers.push(...chunkKeys(name, set.chunks.length, set.owner).filter((_, index) => set.chunks[index]))
    }
    if (!best) continue
    const room = new Room(name, best.chunks as Chunk[], { owner: best.owner, keys: chunkKeys(name, best.chunks.length, best.owner) })
    rooms.set(name, room)
    if (sets.length > 1) unclean.add(room)
  }
  return { rooms, unclean }
}
