/**
 * How often somebody may do something: a bucket of tokens per key (a user, a connection, an address), refilled with time.
 * The clock is monotonic and passed in, so that a step of the wall clock neither frees nor starves anybody.
 */
export interface Rate {
  perSecond: number
  /** What may be done at once after a pause. */
  burst: number
}

interface Bucket {
  tokens: number
  at: number
}

/** Keys kept; beyond it the one that was idle longest is forgotten, which at worst gives it a full bucket again. */
const bucketsMax = 100_000
/** What adding fractions may be wrong by. */
const roundingMs = 1e-6

export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>()

  constructor(
    private readonly rate: Rate,
    private readonly now: () => number = () => performance.now(),
    private readonly keysMax = bucketsMax,
  ) {}

  /** Takes `cost` tokens. 0 = taken; otherwise nothing was taken and it is worth trying again after so many milliseconds. */
  take(key: string, cost = 1): number {
    const { perSecond, burst } = this.rate
    const now = this.now()
    const bucket = this.buckets.get(key) ?? { tokens: burst, at: now }
    // Moved to the end: the map is in order of last use.
    this.buckets.delete(key)
    this.buckets.set(key, bucket)
    if (this.buckets.size > this.keysMax) this.buckets.delete(this.buckets.keys().next().value as string)
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) * perSecond) / 1_000)
    bucket.at = now
    // What costs more than a full bucket is taken from a full one: it must be possible at all.
    const price = Math.min(cost, burst)
    if (bucket.tokens >= price) {
      bucket.tokens -= price
      return 0
    }
    return Math.max(1, Math.ceil(((price - bucket.tokens) * 1_000) / perSecond - roundingMs))
  }

  /** Gives back what an action that turned out to be a repeat has cost. */
  give(key: string, cost = 1): void {
    const bucket = this.buckets.get(key)
    if (bucket) bucket.tokens = Math.min(this.rate.burst, bucket.tokens + cost)
  }

  get size(): number {
    return this.buckets.size
  }
}

/** How many of something exist per key (connections of a user, sockets of an address). */
export class Counter {
  private readonly counts = new Map<string, number>()

  constructor(private readonly max: number) {}

  /** False = there are `max` already; otherwise it must be given back with `leave`. */
  enter(key: string): boolean {
    const count = this.counts.get(key) ?? 0
    if (count >= this.max) return false
    this.counts.set(key, count + 1)
    return true
  }

  leave(key: string): void {
    const count = (this.counts.get(key) ?? 0) - 1
    if (count > 0) this.counts.set(key, count)
    else this.counts.delete(key)
  }

  count(key: string): number {
    return this.counts.get(key) ?? 0
  }
}
