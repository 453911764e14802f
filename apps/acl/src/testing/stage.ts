/**
 * Time and turns of a simulation. Whatever would wait for a network waits here, and is let on one at a time, in an order drawn
 * from the seed; the clock moves only when nobody has anything to do, or a little at every step.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { Random } from './random.js'

export class Stage implements Clock {
  private time = 1_700_000_000_000
  private readonly waiting: (() => void)[] = []
  private timers: { at: number; call: () => void }[] = []

  constructor(readonly random: Random) {}

  now(): number {
    return this.time
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.time + ms, call }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** Resolves some time. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  /** Lets one go on. False = nobody waits, and no timer ends within `msMax`. */
  async step(msMax: number): Promise<boolean> {
    await nextTurn()
    if (this.waiting.length > 0 && !this.random.chance(0.05)) {
      const [resolve] = this.waiting.splice(this.random.below(this.waiting.length), 1)
      this.time += this.random.chance(0.3) ? 1 : 0
      resolve!()
      await nextTurn()
      return true
    }
    return this.nextTimer(msMax)
  }

  private nextTimer(msMax: number): boolean {
    if (this.timers.length === 0) return this.waiting.length > 0
    const next = this.timers.reduce((first, timer) => (timer.at < first.at ? timer : first))
    if (next.at - this.time > msMax) return this.waiting.length > 0
    this.time = Math.max(this.time, next.at)
    this.timers = this.timers.filter((timer) => timer !== next)
    next.call()
    return true
  }
}
