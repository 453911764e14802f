import type { Clock } from './environment.js'

interface Timer {
  at: number
  order: number
  run: () => void
}

/** A clock that moves only when told to. Timers and promises run in between, in order. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000
  #order = 0
  #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  setTimeout(run: () => void, ms: number): Timer {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  get pending(): number {
    return this.#timers.size
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (!due) break
      this.#now = Math.max(this.#now, due.at)
      this.#timers.delete(due)
      due.run()
      await settled()
    }
    this.#now = end
  }

  /** The machine sleeps: the wall clock goes on, timers stand still and have as much left as before. */
  sleep(ms: number): void {
    this.#now += ms
    for (const timer of this.#timers) timer.at += ms
  }
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}
