/**
 * Reads the checkpoint of one partition from `<family>.state`: per room the chunks of its highest complete number of chunks,
 * and the partition's head.
 *
 * A former owner that was paused may have written after its successor: its records carry a lower `owner`. Chunks are only
 * ever older then, never wrong, because each says what it is folded `through`. So the replay starts where the oldest of such
 * records ends. Two signs find them: an owner below an earlier record's, and, should compaction have taken that earlier
 * record, an older owner behind the place to which the head's writer had read when it took over.
 */
import type { Log, LogRecord } from '@roomlog/log'
import { emptyHead, type Head, headKey } from './head.js'
import { Chunk, chunkKey, Room } from './room.js'
import { Slice } from './slice.js'

export interface Restored {
  rooms: Map<string, Room>
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
  /** undefined = removed. */
  value: Buffer | undefined
}

/** `bytesMax` of one read: few reads, each a short pause for the process's other tasks. */
const readBytesMax = 2_097_152

export async function restore(log: Log, topic: string, partition: number): Promise<Restored> {
  const latest = new Map<string, Written>()
  const slice = new Slice()
  const { start, end: known } = await log.range(topic, partition)
  let from = start
  let ownerMax = -1
  let replayFrom = Number.POSITIVE_INFINITY
  let stale = 0
  while (from < known) {
    const batch = await log.read(topic, partition, from, { bytesMax: readBytesMax })
    for (const record of batch.records) {
      const written = writtenOf(record)
      if (written.owner < ownerMax) {
        replayFrom = Math.min(replayFrom, written.through)
        stale++
      }
      ownerMax = Math.max(ownerMax, written.owner)
      latest.set(record.key!, written)
      const pause = slice.yield()
      if (pause) await pause
    }
    from = batch.next
  }
  const headWritten = latest.get(headKey)
  latest.delete(headKey)
  const head = headWritten?.value ? (JSON.parse(headWritten.value.toString()) as Head) : emptyHead
  if (headWritten) {
    for (const { owner, offset, through } of latest.values()) {
      if (owner >= headWritten.owner || offset < head.restored) continue
      replayFrom = Math.min(replayFrom, through)
      stale++
    }
  }
  let through = head.through
  for (const written of latest.values()) through = Math.max(through, written.value ? written.through : 0)
  const { rooms, leftovers } = await assemble(latest, slice)
  return { rooms, head, from: Math.min(head.through, replayFrom), through, end: from, leftovers, stale }
}

function writtenOf(record: LogRecord): Written {
  const { owner, through } = record.headers
  // Copied: a record's value may be a slice of a large network buffer, which would live as long as the room is quiet.
  const value = record.value ? Buffer.from(record.value) : undefined
  return { offset: record.offset, owner: Number(owner), through: Number(through), value }
}

async function assemble(latest: Map<string, Written>, slice: Slice): Promise<{ rooms: Map<string, Room>; leftovers: string[] }> {
  const found = new Map<string, Map<number, (Chunk | undefined)[]>>()
  for (const [key, { value, through }] of latest) {
    if (value === undefined) continue
    const [room, chunks, index] = key.split('\u0000') as [string, string, string]
    let sizes = found.get(room)
    if (!sizes) found.set(room, (sizes = new Map()))
    let set = sizes.get(Number(chunks))
    if (!set) sizes.set(Number(chunks), (set = new Array(Number(chunks)).fill(undefined)))
    set[Number(index)] = new Chunk(value, through)
    const pause = slice.yield()
    if (pause) await pause
  }
  const rooms = new Map<string, Room>()
  const leftovers: string[] = []
  for (const [name, sizes] of found) {
    const complete = [...sizes].filter(([, set]) => set.every((chunk) => chunk !== undefined)).map(([size]) => size)
    const size = Math.max(...complete)
    if (complete.length > 0) rooms.set(name, new Room(name, sizes.get(size) as Chunk[]))
    if (sizes.size === 1 && complete.length === 1) continue
    for (const [other, set] of sizes) {
      if (other !== size) set.forEach((chunk, index) => chunk && leftovers.push(chunkKey(name, other, index)))
    }
  }
  return { rooms, leftovers }
}
