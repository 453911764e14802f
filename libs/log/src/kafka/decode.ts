/** Kafka's record batches → records of the port. */
import type { fetchV17 } from '@platformatic/kafka'
import type { LogRecord } from '../port.js'

export type FetchedPartition = fetchV17.FetchResponse['responses'][number]['partitions'][number]

const controlBatch = 0x20
const logAppendTime = 0x08

export interface Decoded {
  records: LogRecord[]
  /** Offset after the last batch: past control batches and what compaction left out, too. */
  next: number
  bytes: number
}

/** Leaves out what stands before `from` (a batch is given whole) and control batches. */
export function decode(partition: FetchedPartition, from: number): Decoded {
  const records: LogRecord[] = []
  let next = from
  let bytes = 0
  for (const batch of partition.records ?? []) {
    const first = Number(batch.firstOffset)
    bytes += batch.length + 12
    next = Math.max(next, first + batch.lastOffsetDelta + 1)
    if (batch.attributes & controlBatch) continue
    const appended = batch.attributes & logAppendTime ? Number(batch.maxTimestamp) : undefined
    const base = Number(batch.firstTimestamp)
    for (const record of batch.records) {
      const offset = first + record.offsetDelta
      if (offset < from) continue
      const headers: Record<string, string> = {}
      for (const [name, value] of record.headers as [Buffer, Buffer | null][]) headers[name.toString()] = value ? value.toString() : ''
      records.push({
        offset,
        key: record.key ? record.key.toString() : null,
        value: record.value ?? null,
        headers,
        time: appended ?? base + Number(record.timestampDelta),
      })
    }
  }
  return { records, next, bytes }
}
