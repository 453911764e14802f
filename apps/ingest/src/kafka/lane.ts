/**
 * The way of one partition of `ingest.events`: records are written in batches, one batch after the other, each until it is durable.
 * While one is being written the next ones gather, so that a slow disk costs latency and not throughput, and order is kept.
 */
export interface LaneItem {
  bytes: number
}

/** What waits is bounded; so is what a crash makes come again, well below the 1,000 origins that a room remembers. */
export const laneRecordsMax = 250
export const laneBytesMax = 1_048_576
export const batchRecordsMax = 250
export const batchBytesMax = 524_288
/** How often a consumer that is held back says that it is alive. */
const aliveEveryMs = 1_000

export class Lane<T extends LaneItem> {
  private waiting: T[] = []
  private bytes = 0
  private running: Promise<void> | undefined
  private freed: (() => void)[] = []
  private failure: unknown

  /** `write` resolves when the batch is done, and rejects only when nobody will try again. */
  constructor(private readonly write: (batch: T[]) => Promise<void>) {}

  /** Resolves when the item has a place: that is the back-pressure. @throws what `write` gave up with. */
  async add(item: T, alive?: () => Promise<void>): Promise<void> {
    while (this.failure === undefined && this.isFull) {
      await this.room()
      await alive?.()
    }
    if (this.failure !== undefined) throw this.failure
    this.waiting.push(item)
    this.bytes += item.bytes
    this.running ??= this.run()
  }

  /** Resolves when everything that was added is done, or given up. */
  async idle(): Promise<void> {
    await this.running
  }

  private get isFull(): boolean {
    return this.waiting.length >= laneRecordsMax || this.bytes >= laneBytesMax
  }

  private async run(): Promise<void> {
    try {
      while (this.waiting.length > 0) await this.write(this.next())
    } catch (error) {
      this.failure = error
    } finally {
      this.running = undefined
      this.wake()
    }
  }

  private next(): T[] {
    let count = 0
    let bytes = 0
    while (count < this.waiting.length && count < batchRecordsMax) {
      const size = this.waiting[count]!.bytes
      if (count > 0 && bytes + size > batchBytesMax) break
      bytes += size
      count++
    }
    this.bytes -= bytes
    const batch = this.waiting.splice(0, count)
    this.wake()
    return batch
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, aliveEveryMs)
      this.freed.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  private wake(): void {
    for (const resolve of this.freed.splice(0)) resolve()
  }
}
