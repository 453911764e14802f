/**
 * Follows one partition: catches up by reads of its own until in step, then listens to the shared polls. What is
 * fetched while `onBatch` runs waits here, up to a bound; beyond it the tail leaves the polls and catches up again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { Batch, Tail, TailOptions } from '../port.js'
import type { CatchUp } from './catch-up.js'
import { batchOf, type Fetched, since, takeTogether } from './fetched.js'
import type { Listener, Live } from './live.js'
import type { Topology } from './topology.js'

/** What waits for one slow `onBatch`. */
const waitingBytesMax = 4 * bounds.tailBytesMax

export interface Sources {
  topology: Topology
  catchUp: CatchUp
  live: Live
  start(topic: string, partition: number): Promise<number>
  counted(topic: string, partition: number, fetched: Fetched): void
}

export class KafkaTail implements Tail, Listener {
  readonly ended: Promise<Error | undefined>
  private readonly queue: Fetched[] = []
  private waitingBytes = 0
  private following = false
  private stopped = false
  private inStep = false
  private wake = () => {}

  constructor(
    private readonly sources: Sources,
    private readonly topic: string,
    private readonly partition: number,
    /** Everything below is given to `onBatch`, or waits in the queue. */
    private seen: number,
    private readonly onBatch: (batch: Batch) => void | Promise<void>,
    private readonly options: TailOptions,
  ) {
    this.ended = this.run()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.leave()
    this.wake()
  }

  fetched(fetched: Fetched): void {
    if (fetched.next <= this.seen) return
    if (this.waitingBytes + fetched.bytes > waitingBytesMax && this.queue.length > 0) return this.leave()
    const mine = since(fetched, this.seen)
    this.queue.push(mine)
    this.waitingBytes += mine.bytes
    this.seen = mine.next
    this.sources.counted(this.topic, this.partition, mine)
    this.wake()
  }

  lost(): void {
    this.following = false
    this.wake()
  }

  private leave(): void {
    this.following = false
    this.sources.live.leave(this.topic, this.partition, this)
  }

  private async run(): Promise<Error | undefined> {
    let retryMs: number = bounds.retryMsMin
    await Promise.resolve()
    while (!this.stopped) {
      try {
        if (this.queue.length === 0 && !this.following) {
          await this.catchUp()
          retryMs = bounds.retryMsMin
        }
      } catch (error) {
        if (this.stopped) break
        this.tell(error as Error)
        if (!(await this.goesOnAfter(error as Error))) return this.over(error as Error)
        await delay(retryMs)
        retryMs = Math.min(retryMs * 2, bounds.retryMsMax)
        continue
      }
      try {
        await this.give()
      } catch (error) {
        this.tell(error as Error)
        return this.over(error as Error)
      }
      if (this.queue.length === 0 && this.following && !this.stopped) await new Promise<void>((resolve) => (this.wake = resolve))
    }
    return this.over(undefined)
  }

  /** One read; joins the polls before its records are given on, so that nothing that comes meanwhile is late. */
  private async catchUp(): Promise<void> {
    const { topic, partition, seen } = this
    const fetched = await this.sources.catchUp.read(topic, partition, seen, bounds.tailBytesMax)
    if (this.stopped) return
    if (fetched.failure && fetched.next === seen) throw fetched.failure
    this.queue.push(fetched)
    this.waitingBytes += fetched.bytes
    this.seen = fetched.next
    this.sources.counted(topic, partition, fetched)
    if (fetched.next < fetched.end || fetched.failure) return
    const { id } = await this.sources.topology.topic(topic)
    if (!this.stopped) this.following = this.sources.live.join(topic, id, partition, this.seen, this)
  }

  private async give(): Promise<void> {
    while (this.queue.length > 0 && !this.stopped) {
      const fetched = takeTogether(this.queue)
      this.waitingBytes -= fetched.bytes
      const batch = batchOf(this.topic, this.partition, fetched)
      if (fetched.next > fetched.from) await this.onBatch(batch)
      if (!this.inStep && batch.next === batch.end && !this.stopped) {
        this.inStep = true
        await this.onBatch({ ...batch, records: [], voids: 0 })
      }
    }
  }

  /** Below the log's start it goes on there; beyond its end, or where a record is damaged, it is over. */
  private async goesOnAfter(error: Error): Promise<boolean> {
    if (!(error instanceof RoomlogError)) return true
    if (error.code === 'unavailable' || error.code === 'unknown') return error.retriable
    if (error.code !== 'out_of_range') return false
    const start = await this.sources.start(this.topic, this.partition).catch(() => undefined)
    if (start === undefined) return true
    if (this.seen >= start) return false
    this.seen = start
    return true
  }

  private over(error: Error | undefined): Error | undefined {
    this.stopped = true
    this.leave()
    return error
  }

  private tell(error: Error): void {
    try {
      this.options.onFailure?.(error)
    } catch {
      // A listener that fails must not change what the tail does.
    }
  }
}
