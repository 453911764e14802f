/**
 * One partition of an event topic, followed while somebody on this edge needs a room of it.
 *
 * Every record goes into the ring; records of rooms that nobody here follows are dropped by key, unparsed. `next` is
 * the offset up to which everything has been handed to the rooms: whoever reads `next` and registers in the same
 * tick misses nothing.
 */
import { type Batch, currentEpoch, epochOf, incarnationOf, type Log, type Tail } from '@roomlog/log'
import type { EventLog } from './ports.js'
import { type RecordSource, RoomRecord, tombstoneOf } from './record.js'
import { Ring, type RingBudget } from './ring.js'
import { traceDelivery } from './trace.js'

/** A room as its feed sees it. */
export interface FeedRoom {
  /** Called once per event, in order. Must not throw. */
  receive(record: RoomRecord): void
  /** The log is another one from here on: nothing that was known holds. */
  renew(): void
}

export interface FeedOptions {
  budget: RingBudget
  /** Called when a batch has been handed on: the time to flush what was written. */
  onBatch?(feed: Feed, records: number): void
  onFailure?(error: Error): void
}

export class Feed implements RecordSource {
  epoch = ''
  /** Everything below has been handed on. */
  next = 0
  ring!: Ring
  readonly rooms = new Map<string, FeedRoom>()
  private incarnation = ''
  private topicId = ''
  private tail: Tail | undefined
  private waiting: { offset: number; resolve(): void }[] = []
  private running: Promise<number> | undefined
  private queued: Promise<number> | undefined

  private constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly log: EventLog,
    private readonly options: FeedOptions,
  ) {}

  /** Follows the partition from its present end. */
  static async open(topic: string, partition: number, log: EventLog, options: FeedOptions): Promise<Feed> {
    const feed = new Feed(topic, partition, log, options)
    const { end } = await log.range(topic, partition)
    // After the range: an incarnation that begins in between is met again by the tail, and is then no news.
    const { epoch, incarnation } = await currentEpoch(log as Log, topic, partition)
    feed.topicId = await log.topicId(topic)
    feed.epoch = epoch
    feed.incarnation = incarnation
    feed.next = end
    feed.ring = new Ring(end, options.budget)
    feed.tail = log.tail(topic, partition, end, (batch) => feed.receive(batch), { onFailure: options.onFailure })
    return feed
  }

  /** Resolves when everything below `offset` has been handed on. */
  reached(offset: number): Promise<void> {
    if (this.next >= offset) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push({ offset, resolve }))
  }

  /** Resolves when everything has been handed on that was in the log when this was called. */
  async caughtUp(): Promise<void> {
    await this.reached(await this.end())
  }

  /** The high watermark, read after the call: callers share a read only if it has not begun yet. */
  private end(): Promise<number> {
    this.queued ??= (this.running ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        this.queued = undefined
        this.running = this.log.range(this.topic, this.partition).then((range) => range.end)
        return this.running
      })
    return this.queued
  }

  async close(): Promise<void> {
    this.ring.close()
    await this.tail?.stop()
  }

  private receive(batch: Batch): void {
    for (const record of batch.records) {
      const event = RoomRecord.of(record, this)
      if (event) traceDelivery(this, record.headers.traceparent, () => this.hand(event))
      else this.meet(incarnationOf(record))
    }
    this.next = Math.max(this.next, batch.next)
    this.options.onBatch?.(this, batch.records.length)
    this.wake()
  }

  private hand(record: RoomRecord): void {
    if (record.erases !== undefined) this.erase(record)
    this.ring.push(record)
    this.next = record.offset + 1
    this.rooms.get(record.room)?.receive(record)
    // The ring keeps the record and not the frame, which would cost as much again: who replays builds its own.
    record.shared = undefined
  }

  /** Deleted content never goes out again: the ring holds the tombstone from the moment of the deletion on. */
  private erase(deletion: RoomRecord): void {
    const erased = this.ring.find(deletion.room, deletion.erases!)
    if (erased) this.ring.erase(erased, tombstoneOf(erased, deletion))
  }

  private meet(incarnation: string | undefined): void {
    if (incarnation === undefined || incarnation === this.incarnation) return
    // A log without a mark held nothing that a position could have named.
    const first = this.incarnation === ''
    this.incarnation = incarnation
    this.epoch = epochOf(this.topicId, incarnation)
    if (first) return
    this.ring.close()
    this.ring = new Ring(this.next, this.options.budget)
    for (const room of [...this.rooms.values()]) room.renew()
  }

  private wake(): void {
    if (this.waiting.length === 0) return
    const ready = this.waiting.filter(({ offset }) => offset <= this.next)
    this.waiting = this.waiting.filter(({ offset }) => offset > this.next)
    for (const { resolve } of ready) resolve()
  }
}
