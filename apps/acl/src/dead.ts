import type { Log } from '@roomlog/log'
import { recordVersion } from '@roomlog/protocol'
import type { Waiting } from './waiting.js'

const deadTopic = 'ingest.dead'

/** Copies a command that could not be decided to `ingest.dead`, with the reason; key, value and headers are kept. */
export async function deadLetter(log: Log, topic: string, partition: number, { record }: Waiting, error: Error): Promise<void> {
  const { sum: _, ...headers } = record.headers
  const reason = { ...headers, v: recordVersion, reason: error.message.slice(0, 1_000), source: `${topic}/${partition}:${record.offset}` }
  await log.produce(deadTopic, partition, [{ key: record.key, value: record.value, headers: reason }])
}
