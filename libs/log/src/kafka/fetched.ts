/** What one fetch gave for one partition, already sifted; shared by every tail that stands there. */
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { Batch, LogRecord } from '../port.js'
import { damaged, sift } from '../record.js'
import { decode, type FetchedPartition } from './decode.js'

export interface Fetched {
  records: LogRecord[]
  from: number
  next: number
  end: number
  voids: number
  bytes: number
  /** What stands at `next` is damaged: nothing can be read from there. */
  failure?: RoomlogError
}

export function fetchedOf(topic: string, partition: number, from: number, append: boolean, response: FetchedPartition): Fetched {
  const { records, next, bytes } = decode(response, from)
  const sifted = sift(append, records)
  const end = Math.max(Number(response.highWatermark), next)
  const shared = { records: sifted.records, from, voids: sifted.voids, bytes, end }
  if (sifted.damaged === undefined) return { ...shared, next }
  return { ...shared, next: sifted.damaged, failure: damaged(topic, partition, sifted.damaged) }
}

/** What a reader at `from` gets of it; undefined where it stands behind it all. */
export function since(fetched: Fetched, from: number): Fetched {
  if (from <= fetched.from) return fetched
  return { ...fetched, from, next: Math.max(from, fetched.next), records: fetched.records.filter((record) => record.offset >= from) }
}

/** Puts what follows one another together, up to what a tail hands on at once. `queue` is shortened by it. */
export function takeTogether(queue: Fetched[]): Fetched {
  let taken = queue.shift()!
  while (queue.length > 0 && !taken.failure && taken.bytes + queue[0]!.bytes <= bounds.tailBytesMax) {
    const more = queue.shift()!
    taken = {
      ...more,
      from: taken.from,
      records: taken.records.concat(more.records),
      voids: taken.voids + more.voids,
      bytes: taken.bytes + more.bytes,
    }
  }
  return taken
}

export function batchOf(topic: string, partition: number, fetched: Fetched): Batch {
  const { records, next, end, voids } = fetched
  return { topic, partition, records, next, end: Math.max(end, next), voids }
}
