/**
 * The same door where the log is not Kafka: `ingest.events` is read through the log port. What a consumer group keeps in Kafka,
 * how far each partition is done, stands in a small file of the data directory; it may be a second old, and
 * repeats are recognised.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, partitionOf, type Tail } from '@roomlog/log'
import type { Config, Logger } from '@roomlog/runtime'
import type { Intake, Outcome } from './intake.js'
import { replyAddress, replyMessage } from './reply.js'

const topic = 'ingest.events'
const saveEveryMs = 1_000

export class EmbeddedIntake {
  private readonly done = new Map<number, number>()
  private tails: Tail[] = []
  private timer: NodeJS.Timeout | undefined
  private changed = false
  private topicId = ''
  /** Undefined = the log does not outlive the process, and neither does what is done. */
  private readonly file: string | undefined

  constructor(
    private readonly log: Log,
    private readonly intake: Intake,
    config: Config,
    private readonly logger: Logger,
  ) {
    this.file = log.url.startsWith('file:') ? join(config.dataDir, 'ingest.json') : undefined
  }

  async start(): Promise<void> {
    this.topicId = await this.log.topicId(topic)
    const saved = this.saved()
    for (let partition = 0; partition < this.log.partitions; partition++) {
      const { start, end } = await this.log.range(topic, partition)
      const from = Math.min(Math.max(saved[partition] ?? start, start), end)
      this.tails.push(this.tail(partition, from))
    }
    this.timer = setInterval(() => this.save(), saveEveryMs)
    this.timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await Promise.all(this.tails.map((tail) => tail.stop()))
    this.save()
  }

  private tail(partition: number, from: number): Tail {
    return this.log.tail(
      topic,
      partition,
      from,
      async ({ records }) => {
        for (const record of records) {
          const address = replyAddress(record.headers, '')
          if (typeof address === 'string') this.logger.warn({ reason: address }, 'a reply to a service was refused')
          const answered = typeof address === 'object' ? (outcome: Outcome) => this.reply(address, outcome) : undefined
          await this.intake.take({ partition, ...record }, { answered, done: async () => this.finish(partition, record.offset + 1) })
        }
      },
      { onFailure: (error) => this.logger.warn({ err: error }, 'ingest.events could not be read') },
    )
  }

  private finish(partition: number, next: number): void {
    this.done.set(partition, next)
    this.changed = true
  }

  private reply(address: Exclude<ReturnType<typeof replyAddress>, string | undefined>, outcome: Outcome): void {
    const message = replyMessage(outcome, address)
    const partition = address.partition ?? partitionOf(address.correlationId, this.log.partitions)
    this.log
      .produce(address.topic, partition, [{ key: null, ...message }])
      .catch((error: Error) => this.logger.warn({ err: error, topic: address.topic }, 'a reply to a service could not be sent'))
  }

  /** What was done of this very topic; of an older one it means nothing. */
  private saved(): Record<number, number> {
    if (!this.file) return {}
    try {
      const { topicId, done } = JSON.parse(readFileSync(this.file, 'utf8'))
      return topicId === this.topicId ? done : {}
    } catch {
      return {}
    }
  }

  private save(): void {
    if (!this.file || !this.changed) return
    this.changed = false
    const draft = `${this.file}.tmp`
    writeFileSync(draft, JSON.stringify({ topicId: this.topicId, done: Object.fromEntries(this.done) }))
    renameSync(draft, this.file)
  }
}
