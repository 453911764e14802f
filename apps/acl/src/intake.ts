/**
 * The commands of one partition that wait to be decided, in the order of the log. The tail fills it and is held back by its
 * bounds; what a discarded batch had taken is put back in front.
 */
import type { Batch, LogRecord, Tail } from '@roomlog/log'
import type { Site } from './site.js'
import { type Waiting, waitingOf } from './waiting.js'

export class Intake {
  /** What ended the tail, if something did. */
  failure?: Error
  private queue: Waiting[] = []
  private next = 0
  /** The tail has brought everything below. */
  private tailed = Number.POSITIVE_INFINITY
  private bytes = 0
  private tail?: Tail
  private nudged = false
  private wake?: () => void
  private room?: () => void

  /** @param prepare called for every command as it is read, so that what it needs is on its way when its turn comes */
  constructor(
    private readonly site: Site,
    private readonly prepare: (waiting: Waiting) => void,
  ) {}

  get size(): number {
    return this.queue.length - this.next
  }

  follow(from: number): void {
    this.tailed = from
    const { log, topics, partition, warn } = this.site
    const onFailure = warn('commands cannot be read; trying again')
    this.tail = log.tail(topics.commands, partition, from, (batch) => this.take(batch), { onFailure })
    void this.tail.ended.then((error) => {
      this.failure = error
      this.nudge()
    })
  }

  /** The commands at these offsets, in front of everything else, but for those that wait here or that the tail will bring. */
  async readAgain(offsets: Iterable<number>): Promise<void> {
    const here = new Set(this.queue.slice(this.next).map(({ record }) => record.offset))
    const missing = [...offsets].filter((offset) => offset < this.tailed && !here.has(offset))
    const found: Waiting[] = []
    for (const offset of missing) {
      const batch = await this.site.log.read(this.site.topics.commands, this.site.partition, offset, { bytesMax: 1 })
      const record = batch.records[0]
      if (record?.offset === offset) found.push(this.read(record))
    }
    this.putBack(found)
  }

  putBack(waiting: readonly Waiting[]): void {
    const rest = this.queue.slice(this.next)
    this.queue = [...waiting, ...rest].sort((a, b) => a.record.offset - b.record.offset)
    this.next = 0
    for (const { record } of waiting) this.bytes += sizeOf(record)
  }

  peek(): Waiting | undefined {
    return this.queue[this.next]
  }

  shift(): void {
    const taken = this.queue[this.next]!
    this.queue[this.next++] = undefined as never
    this.bytes -= sizeOf(taken.record)
    if (this.next === this.queue.length) {
      this.queue = []
      this.next = 0
    }
    if (this.room && !this.full()) this.room()
  }

  /** Resolves when a command waits, or at the next `nudge`. */
  async arrival(): Promise<void> {
    if (this.size === 0 && !this.failure && !this.nudged) await new Promise<void>((resolve) => (this.wake = resolve))
    this.nudged = false
  }

  nudge(): void {
    this.nudged = true
    this.wake?.()
    this.wake = undefined
  }

  async stop(): Promise<void> {
    this.room?.()
    this.queue = []
    this.next = 0
    this.bytes = 0
    await this.tail?.stop()
  }

  private async take({ records, next }: Batch): Promise<void> {
    this.tailed = next
    for (const record of records) {
      this.queue.push(this.read(record))
      this.bytes += sizeOf(record)
    }
    this.nudge()
    if (!this.full()) return
    await new Promise<void>((resolve) => (this.room = resolve))
    this.room = undefined
  }

  private read(record: LogRecord): Waiting {
    const waiting = waitingOf(record)
    this.prepare(waiting)
    return waiting
  }

  private full(): boolean {
    const { waitingCommandsMax, waitingBytesMax } = this.site.bounds
    return this.size >= waitingCommandsMax || this.bytes >= waitingBytesMax
  }
}

function sizeOf(record: LogRecord): number {
  return (record.value?.length ?? 0) + 200
}
