import type { Log, LogRecord } from '@roomlog/log'

interface Range {
  start: number
  end: number
}

/**
 * The first offset of the range whose record, or one soon after it, is not older than `before` (milliseconds since 1970); the
 * end where all are. Times ascend with offsets, up to the difference between the clocks of two owners.
 */
export async function firstSince(log: Log, topic: string, partition: number, { start, end }: Range, before: number): Promise<number> {
  let low = start
  let high = end
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const record = await nextRecord(log, topic, partition, middle, high)
    if (record && record.time < before) low = record.offset + 1
    else high = middle
  }
  return low
}

/** The first valid record from `from` on; void ones are passed over. */
async function nextRecord(log: Log, topic: string, partition: number, from: number, end: number): Promise<LogRecord | undefined> {
  for (let at = from; at < end; ) {
    const batch = await log.read(topic, partition, at, { bytesMax: 1 })
    if (batch.records[0]) return batch.records[0].offset < end ? batch.records[0] : undefined
    if (batch.next === at) return undefined
    at = batch.next
  }
  return undefined
}
