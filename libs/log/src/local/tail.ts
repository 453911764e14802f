/** Follows one partition of a log inside this process: reads until in step, then waits for the next write. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { Batch, Tail, TailOptions } from '../port.js'

export interface Followed {
  read(from: number): Batch
  start(): number
  listen(listener: () => void): () => void
}

export class LocalTail implements Tail {
  readonly ended: Promise<Error | undefined>
  private stopped = false
  private wake = () => {}

  constructor(
    private readonly followed: Followed,
    private from: number,
    private readonly onBatch: (batch: Batch) => void | Promise<void>,
    private readonly options: TailOptions,
  ) {
    this.ended = this.run()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.wake()
  }

  private async run(): Promise<Error | undefined> {
    let pending = false
    const unlisten = this.followed.listen(() => {
      pending = true
      this.wake()
    })
    let inStep = false
    let retryMs: number = bounds.retryMsMin
    await Promise.resolve()
    try {
      while (!this.stopped) {
        pending = false
        let batch: Batch
        try {
          batch = this.followed.read(this.from)
          retryMs = bounds.retryMsMin
        } catch (error) {
          this.tell(error as Error)
          if (!this.goesOnAfter(error as Error)) return error as Error
          await delay(retryMs)
          retryMs = Math.min(retryMs * 2, bounds.retryMsMax)
          continue
        }
        if (batch.next > this.from || (!inStep && batch.next === batch.end)) {
          if (batch.next === this.from) inStep = true
          this.from = batch.next
          await this.onBatch(batch)
          if (batch.next < batch.end) await nextTurn()
          continue
        }
        if (!pending && !this.stopped) await new Promise<void>((resolve) => (this.wake = resolve))
      }
      return undefined
    } catch (error) {
      this.tell(error as Error)
      return error as Error
    } finally {
      this.stopped = true
      unlisten()
    }
  }

  /** Below the log's start it goes on there; beyond its end, or where a record is damaged, it is over. */
  private goesOnAfter(error: Error): boolean {
    if (!(error instanceof RoomlogError)) return false
    if (error.code === 'unavailable') return true
    if (error.code !== 'out_of_range' || this.from >= this.followed.start()) return false
    this.from = this.followed.start()
    return true
  }

  private tell(error: Error): void {
    try {
      this.options.onFailure?.(error)
    } catch {
      // A listener that fails must not change what the tail does.
    }
  }
}
