/** Commands that are not decided here: they go to where they belong, or to `ingest.dead`. Both before the batch that covers them. */
import { partitionOf } from '@roomlog/log'
import { commandsTopic, familyOf, recordVersion } from '@roomlog/protocol'
import type { Site } from './site.js'
import type { Waiting } from './waiting.js'

const deadTopic = 'ingest.dead'

/** Whether a command stands in the wrong partition, or family. */
export function isElsewhere({ log, family, partition }: Site, { command }: Waiting): boolean {
  return command !== undefined && (familyOf(command.room) !== family || partitionOf(command.room, log.partitions) !== partition)
}

/** Produces it to the right partition, with all that it carries. */
export async function redirect({ log }: Site, { command, record }: Waiting): Promise<void> {
  const { offset: _, sum: __, ...headers } = record.headers
  const room = command!.room
  const draft = { key: record.key, value: record.value, headers }
  await log.produce(commandsTopic(familyOf(room)), partitionOf(room, log.partitions), [draft])
}

/** Copies a command that could not be decided, with the reason; key, value and headers are kept. */
export async function bury({ log, topics, partition }: Site, { record }: Waiting, error: Error): Promise<void> {
  const { sum: _, ...headers } = record.headers
  const source = `${topics.commands}/${partition}:${record.offset}`
  const more = { v: recordVersion, reason: error.message.slice(0, 1_000), source }
  await log.produce(deadTopic, partition, [{ key: record.key, value: record.value, headers: { ...headers, ...more } }])
}
