/**
 * Is it still the log that the checkpoint speaks of?
 *
 * A log that lost acknowledged events (a power loss without replicas) is shorter, or has other events where we have stored
 * some. What the authority then appends is a new incarnation: the partition is archived anew from its start, and what the
 * log no longer holds is set aside in `lost_events`, never thrown away and never served. Where the log cannot be read from
 * its first event (it was trimmed), or is another topic altogether, nothing is touched and the partition stops.
 */
import { epochOf, type Log, parseEventId } from '@roomlog/log'
import type { DataSource } from 'typeorm'
import { Contradiction } from './contradiction.js'
import { readCheckpoint } from './store/checkpoints.js'
import type { Checkpoint } from './store/entities.js'
import { forgetPartition } from './store/forget.js'

interface IncarnationLogger {
  error(detail: object, message: string): void
}

/** @returns where to read on. @throws Contradiction where the tables cannot be brought in line with the log. */
export async function checkLog(
  log: Log,
  dataSource: DataSource,
  checkpoint: Checkpoint,
  topicId: string,
  logger: IncarnationLogger,
): Promise<Checkpoint> {
  const { topic, partition, offset } = checkpoint
  if (checkpoint.epoch !== epochOf(topicId, checkpoint.incarnation)) {
    throw new Contradiction(
      `${topic}/${partition}: the topic is not the one that was archived (it was deleted and created anew, or DATABASE_URL is of another deployment)`,
    )
  }
  const { start, end } = await log.range(topic, partition)
  if (offset < start)
    throw new Contradiction(`${topic}/${partition}: the log begins at ${start}, beyond the checkpoint ${offset}: events between are lost`)
  const difference = offset > end ? `it ends at ${end}, before the checkpoint ${offset}` : await changedAt(log, checkpoint, start)
  if (!difference) return checkpoint
  if (start > 0)
    throw new Contradiction(`${topic}/${partition}: ${difference}, and it cannot be archived anew because it was trimmed to ${start}`)
  const lost = await forgetPartition(dataSource, checkpoint, epochOf(topicId, ''))
  logger.error(
    { topic, partition, checkpoint: offset, end, lost },
    `the log is another incarnation: ${difference}; the partition is archived anew, what was stored is kept in lost_events`,
  )
  return (await readCheckpoint(dataSource, topic, partition))!
}

/** Compares the check of the last covered event. */
async function changedAt(log: Log, { topic, partition, lastOffset, lastProof }: Checkpoint, start: number): Promise<string | undefined> {
  if (lastOffset === null || lastOffset < start) return undefined
  const { records } = await log.read(topic, partition, lastOffset, { bytesMax: 1 })
  const record = records[0]
  const id =
    record?.offset === lastOffset && record.headers['seq'] !== undefined
      ? /^\{"id":"([^"]+)"/.exec(record.value!.toString())?.[1]
      : undefined
  return id !== undefined && parseEventId(id)?.check === lastProof ? undefined : `it has another event at offset ${lastOffset}`
}
