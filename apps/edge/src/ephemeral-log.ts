/**
 * `room.ephemeral` as this edge follows it: one tail per partition while somebody here needs a room of it, and a linger longer.
 * Nothing of it is stored and nothing is resumed: a tail begins at the end.
 */
import { type Log, type LogRecord, partitionOf, type RecordDraft, type Tail } from '@roomlog/log'
import type { Clock } from './ports.js'

export type EphemeralPort = Pick<Log, 'partitions' | 'read' | 'tail' | 'range' | 'produce'>

export interface EphemeralLogOptions {
  lingerMs: number
  onRecord(record: LogRecord): void
  /** A batch has been handed on: the time to flush what was written. */
  onBatch?(): void
  onFailure(error: unknown): void
}

interface Following {
  uses: number
  tail: Promise<Tail>
  linger?: { cancel(): void }
}

export class EphemeralLog {
  private readonly tails = new Map<number, Following>()
  private readonly reading = new Map<number, Promise<LogRecord[]>>()
  private over = false

  constructor(
    private readonly log: EphemeralPort,
    private readonly clock: Clock,
    private readonly options: EphemeralLogOptions,
  ) {}

  /** Every `follow` needs one `release`. */
  follow(room: string): void {
    const partition = this.partitionOf(room)
    let following = this.tails.get(partition)
    if (!following) this.tails.set(partition, (following = { uses: 0, tail: this.open(partition) }))
    following.uses++
    following.linger?.cancel()
    delete following.linger
  }

  release(room: string): void {
    const partition = this.partitionOf(room)
    const following = this.tails.get(partition)
    if (!following || --following.uses > 0) return
    following.linger = this.clock.after(this.options.lingerMs, () => {
      if (following.uses > 0 || this.tails.get(partition) !== following) return
      this.tails.delete(partition)
      void following.tail.then((tail) => tail.stop()).catch((error) => this.options.onFailure(error))
    })
  }

  /** Of `room`'s partition; resolves when it is written. Lost if it fails: nobody waits for what is ephemeral. */
  async publish(partition: number, drafts: RecordDraft[]): Promise<void> {
    if (this.over) return
    await this.log.produce(topic, partition, drafts).catch((error) => this.options.onFailure(error))
  }

  partitionOf(room: string): number {
    return partitionOf(room, this.log.partitions)
  }

  /** The newest records of a room's partition, bounded; those who ask at the same time share a read. */
  recent(room: string): Promise<LogRecord[]> {
    const partition = this.partitionOf(room)
    const running = this.reading.get(partition)
    if (running) return running
    const reading = this.readRecent(partition).finally(() => this.reading.delete(partition))
    this.reading.set(partition, reading)
    return reading
  }

  async close(): Promise<void> {
    this.over = true
    const tails = [...this.tails.values()]
    this.tails.clear()
    for (const { tail, linger } of tails) {
      linger?.cancel()
      await tail.then((opened) => opened.stop()).catch(() => {})
    }
  }

  private async readRecent(partition: number): Promise<LogRecord[]> {
    const { start, end } = await this.log.range(topic, partition)
    const records: LogRecord[] = []
    for (let next = Math.max(start, end - recentRecordsMax); next < end; ) {
      const batch = await this.log.read(topic, partition, next)
      records.push(...batch.records)
      if (batch.next <= next) break
      next = batch.next
    }
    return records
  }

  private async open(partition: number): Promise<Tail> {
    const opening = this.begin(partition)
    // One that could not be opened is tried again by the next who needs the partition.
    opening.catch((error) => {
      this.tails.delete(partition)
      this.options.onFailure(error)
    })
    return opening
  }

  private async begin(partition: number): Promise<Tail> {
    const { end } = await this.log.range(topic, partition)
    return this.log.tail(
      topic,
      partition,
      end,
      (batch) => {
        for (const record of batch.records) this.hand(record)
        this.options.onBatch?.()
      },
      { onFailure: (error) => this.options.onFailure(error) },
    )
  }

  /** One that nobody understands harms nobody else. */
  private hand(record: LogRecord): void {
    try {
      this.options.onRecord(record)
    } catch (error) {
      this.options.onFailure(error)
    }
  }
}

const topic = 'room.ephemeral'
/** How far back it is looked for leases of a room that nobody here followed. */
const recentRecordsMax = 4_000
