/**
 * The archiver: the log → PostgreSQL, exactly once.
 *
 * Every claimed partition is followed from its checkpoint row. A batch becomes a slice, and a slice counts only in the
 * transaction that moves that row from the offset it was read from (`store/write.ts`). So nothing here has to be remembered:
 * after a crash at any point, or with two archivers at once, whoever finds the row elsewhere reads again from there.
 *
 *   claim → open (checkpoint, same log?) → tail → slice → group commit → next
 *
 * The claim is for liveness only. A failure of the environment opens the partition anew after a pause; a contradiction
 * between log and tables stops it, loudly, until somebody has looked.
 */
import { type Batch, type Claim, type Log, RoomlogError, type Tail, traceProcessBatch } from '@roomlog/log'
import { eventsTopic, families } from '@roomlog/protocol'
import type { DataSource } from 'typeorm'
import { Committer } from './committer.js'
import { Contradiction } from './contradiction.js'
import { checkLog } from './incarnation.js'
import type { Progress } from './progress.js'
import { type Slice, sliceOf } from './slice.js'
import { openCheckpoint } from './store/checkpoints.js'
import { store } from './store/write.js'

export const archiverGroup = 'roomlog-persistence'
export const archivedTopics = families.map(eventsTopic)

const retryDelayMsMin = 50
const retryDelayMsMax = 2_000

export interface ArchiverLogger {
  info(detail: object, message: string): void
  warn(detail: object, message: string): void
  error(detail: object, message: string): void
}

export interface ArchiverOptions {
  log: Log
  dataSource: DataSource
  logger: ArchiverLogger
  progress: Progress
}

export class Archiver {
  private readonly partitions = new Map<string, PartitionArchiver>()
  private readonly topicIds = new Map<string, string>()
  private readonly committer: Committer
  private claim: Claim | undefined

  constructor(private readonly options: ArchiverOptions) {
    this.committer = new Committer({
      store: (slices) => store(options.dataSource, slices, this.topicIds),
      onCommitted: (slices, tookMs) => options.progress.committed(slices, tookMs),
    })
  }

  async start(): Promise<void> {
    for (const topic of archivedTopics) this.topicIds.set(topic, await this.options.log.topicId(topic))
    this.claim = await this.options.log.claim(archiverGroup, [...archivedTopics], {
      onGranted: (partitions) => this.grant(partitions),
      onRevoked: (partitions) => this.revoke(partitions),
    })
  }

  /** Resolves when everything begun is stored or given up; nothing is lost either way. */
  async stop(): Promise<void> {
    await this.claim?.release()
    await this.revoke([...new Set([...this.partitions.values()].map(({ partition }) => partition))])
  }

  private grant(partitions: number[]): void {
    for (const partition of partitions) {
      for (const topic of archivedTopics) {
        const key = `${topic}/${partition}`
        if (this.partitions.has(key)) continue
        this.partitions.set(key, new PartitionArchiver(topic, partition, this.topicIds.get(topic)!, this.committer, this.options))
      }
    }
  }

  private async revoke(partitions: number[]): Promise<void> {
    const keys = partitions.flatMap((partition) => archivedTopics.map((topic) => `${topic}/${partition}`))
    const revoked = keys.flatMap((key) => this.partitions.get(key) ?? [])
    for (const key of keys) this.partitions.delete(key)
    await Promise.all(revoked.map((partition) => partition.stop()))
  }
}

/** Follows one partition of one topic until it is stopped. */
class PartitionArchiver {
  private readonly stopping = new AbortController()
  private readonly running: Promise<void>
  private delayMs = retryDelayMsMin

  constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly topicId: string,
    private readonly committer: Committer,
    private readonly options: ArchiverOptions,
  ) {
    this.running = this.run()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.running
  }

  /** The outer loop: the only place where something is tried again. */
  private async run(): Promise<void> {
    const { topic, partition } = this
    const { logger, progress } = this.options
    progress.opened(topic, partition)
    while (!this.stopping.signal.aborted) {
      try {
        await this.follow()
      } catch (error) {
        if (isContradiction(error)) {
          logger.error(
            { err: error, topic, partition },
            'the archiving of a partition has stopped: its log and the database contradict each other',
          )
          progress.stopped(topic, partition, (error as Error).message)
          return
        }
        logger.warn({ err: error, topic, partition, delayMs: this.delayMs }, 'a partition is read again from its checkpoint')
        await pause(this.delayMs, this.stopping.signal)
        this.delayMs = Math.min(this.delayMs * 2, retryDelayMsMax)
      }
    }
    progress.closed(topic, partition)
  }

  /** Follows the partition until another instance turns out to be ahead, or it is stopped. */
  private async follow(): Promise<void> {
    const { log, dataSource, logger } = this.options
    const { topic, partition, topicId } = this
    const checkpoint = await checkLog(log, dataSource, await openCheckpoint(dataSource, topic, partition, topicId), topicId, logger)
    const end = new Ending(this.stopping.signal)
    let from = checkpoint.offset
    let previous = Promise.resolve()
    const onBatch = async (batch: Batch) => {
      // Prepared while the batch before is committing.
      const slice = sliceOf(from, batch)
      from = batch.next
      this.options.progress.seen(topic, partition, batch)
      if (slice.next === slice.from) return
      await previous
      if (end.ended) return
      previous = traceProcessBatch(topic, partition, batch.records, () => this.commit(slice, end))
    }
    const tail: Tail = log.tail(topic, partition, from, async (batch) => onBatch(batch).catch((error) => end.fail(error)), {
      onFailure: (error) => fatal(error) && end.fail(error),
    })
    try {
      await end.reached
    } finally {
      await tail.stop()
      await previous
    }
  }

  private async commit(slice: Slice, end: Ending): Promise<void> {
    try {
      if ((await this.committer.add(slice)) === 'behind') return end.reach()
      this.delayMs = retryDelayMsMin
    } catch (error) {
      end.fail(error)
    }
  }
}

/** How the following of a partition ends: once, well or with an error. */
class Ending {
  ended = false
  private readonly outcome = Promise.withResolvers<void>()

  constructor(signal: AbortSignal) {
    this.outcome.promise.catch(() => undefined)
    if (signal.aborted) this.reach()
    signal.addEventListener('abort', () => this.reach(), { once: true })
  }

  get reached(): Promise<void> {
    return this.outcome.promise
  }

  reach(): void {
    this.ended = true
    this.outcome.resolve()
  }

  fail(error: unknown): void {
    this.ended = true
    this.outcome.reject(error)
  }
}

/** What the tail cannot mend by reading again. */
function fatal(error: Error): boolean {
  return error instanceof RoomlogError && !error.retriable
}

function isContradiction(error: unknown): boolean {
  return error instanceof Contradiction || (error instanceof RoomlogError && error.code === 'damaged')
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })
}
