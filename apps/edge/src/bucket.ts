/** A token bucket: `burst` at once, `perSecond` in the long run. Time never goes back. */
export class Bucket {
  private tokens: number
  private at: number

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    now: number,
  ) {
    this.tokens = burst
    this.at = now
  }

  /** 0 if it was taken, else the milliseconds until one can be. */
  take(now: number): number {
    this.tokens = Math.min(this.burst, this.tokens + (Math.max(now - this.at, 0) * this.perSecond) / 1_000)
    this.at = Math.max(now, this.at)
    if (this.tokens >= 1) {
      this.tokens -= 1
      return 0
    }
    return Math.ceil(((1 - this.tokens) * 1_000) / this.perSecond)
  }
}
