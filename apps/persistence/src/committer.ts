/**
 * Group commit: what all partitions have waiting goes into one transaction, and while it commits the next one gathers. So a
 * quiet log is stored at once, a busy one in large batches, and the database sees one commit at a time from here.
 *
 * Transactions that would be small keep a pace: each is a sync of the disk, and where the log stands on the same disk every
 * sync that is saved here is one that no acknowledgement waits behind.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Slice } from './slice.js'

/** Events of one transaction; a single slice may be larger. */
export const commitEventsMax = 5_000
/** Transactions below `commitEventsFew` events begin at least so far apart. */
export const commitPaceMs = 25
const commitEventsFew = 500

export interface CommitterOptions {
  /** Stores all or nothing; returns the slices that count. */
  store(slices: readonly Slice[]): Promise<Set<Slice>>
  onCommitted?(slices: readonly Slice[], tookMs: number): void
}

interface Waiting {
  slice: Slice
  resolve(outcome: 'stored' | 'behind'): void
  reject(error: unknown): void
}

export class Committer {
  private waiting: Waiting[] = []
  private running = false
  private begunAt = Number.NEGATIVE_INFINITY

  constructor(private readonly options: CommitterOptions) {}

  /** `behind`: another instance has moved the checkpoint, nothing of the slice was stored. Slices of a partition are added one after another. */
  add(slice: Slice): Promise<'stored' | 'behind'> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ slice, resolve, reject })
      if (!this.running) void this.run()
    })
  }

  private async run(): Promise<void> {
    this.running = true
    while (this.waiting.length > 0) {
      const waitMs = this.begunAt + commitPaceMs - performance.now()
      if (waitMs > 0 && this.events() < commitEventsFew) await pause(waitMs)
      this.begunAt = performance.now()
      const group = this.take()
      // One bad partition must not hold up the others: what fails together is tried alone.
      if (!(await this.commit(group, group.length === 1))) for (const one of group) await this.commit([one], true)
    }
    this.running = false
  }

  private events(): number {
    return this.waiting.reduce((sum, { slice }) => sum + slice.events.length, 0)
  }

  private take(): Waiting[] {
    let events = 0
    const count = this.waiting.findIndex(({ slice }, index) => (events += slice.events.length) > commitEventsMax && index > 0)
    return this.waiting.splice(0, count === -1 ? this.waiting.length : count)
  }

  private async commit(group: Waiting[], last: boolean): Promise<boolean> {
    const startedAt = performance.now()
    try {
      const slices = group.map(({ slice }) => slice)
      const stored = await this.options.store(slices)
      this.options.onCommitted?.([...stored], performance.now() - startedAt)
      for (const { slice, resolve } of group) resolve(stored.has(slice) ? 'stored' : 'behind')
      return true
    } catch (error) {
      if (last) for (const { reject } of group) reject(error)
      return false
    }
  }
}
