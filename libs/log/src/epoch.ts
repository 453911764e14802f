/**
 * The epoch of a partition of an append topic: (topic ID, incarnation). The incarnation is named by a mark, which is the
 * first record that a writer ever writes, and again by later marks when the log was found shorter or different. Every owner's
 * mark repeats it, and a log is trimmed to a mark that names it; so the first record there is always does.
 */
import type { Mark } from '@roomlog/protocol'
import type { Log, LogRecord } from './port.js'
import { epochOf } from './position.js'

/** How many records before the end are searched for a later mark; older ones are met by whoever reads the log. */
const marksBackMax = 2_000

/** The epoch now. A follower goes on with `incarnationOf` for every record that it reads. */
export async function currentEpoch(log: Log, topic: string, partition: number): Promise<{ epoch: string; incarnation: string }> {
  const { start, end } = await log.range(topic, partition)
  const incarnation =
    (await lastIncarnation(log, topic, partition, Math.max(start, end - marksBackMax), end)) ??
    (await firstIncarnation(log, topic, partition, start, end)) ??
    ''
  return { epoch: epochOf(await log.topicId(topic), incarnation), incarnation }
}

/** The incarnation that a record names, if it is a mark that names one. */
export function incarnationOf(record: LogRecord): string | undefined {
  if (record.headers['seq'] !== undefined || !record.value) return undefined
  try {
    const mark = JSON.parse(record.value.toString()) as Partial<Mark>
    return typeof mark.incarnation === 'string' ? mark.incarnation : undefined
  } catch {
    return undefined
  }
}

async function firstIncarnation(log: Log, topic: string, partition: number, start: number, end: number): Promise<string | undefined> {
  for (let from = start; from < end; ) {
    const batch = await log.read(topic, partition, from, { bytesMax: 1 })
    if (batch.records.length > 0) return incarnationOf(batch.records[0]!)
    if (batch.next === from) return undefined
    from = batch.next
  }
  return undefined
}

async function lastIncarnation(log: Log, topic: string, partition: number, from: number, end: number): Promise<string | undefined> {
  let found: string | undefined
  while (from < end) {
    const batch = await log.read(topic, partition, from)
    for (const record of batch.records) found = incarnationOf(record) ?? found
    if (batch.next === from) break
    from = batch.next
  }
  return found
}
