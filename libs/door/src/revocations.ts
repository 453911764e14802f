/**
 * Signed-out devices, as every door and persistence itself know them: a copy of persistence's list, asked for once a second, so that
 * a check costs nothing and needs nobody. While persistence is away, what is known holds.
 */
import { isRevoked } from '@roomlog/domain'
import type { Principal } from './principal.js'

export interface RevocationsPage {
  /** In milliseconds since 1970: tokens that were issued up to then are none. */
  revocations: [user: string, device: string, at: number][]
  /** To be asked for next. */
  next: number
  more: boolean
}

export interface RevocationsOptions {
  /** What has changed after `after`; 0 = all. May repeat what was given before. */
  fetch(after: number): Promise<RevocationsPage>
  onFailure(error: Error): void
  everyMs?: number
  /** Devices remembered, the newest; default 500,000. */
  devicesMax?: number
}

export class Revocations {
  private readonly known = new Map<string, number>()
  private after = 0
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private failing = false

  constructor(private readonly options: RevocationsOptions) {}

  /** Does not wait: persistence may come later. */
  start(): void {
    void this.poll()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  /** Whether the device of the token was signed out since it was issued. */
  has({ user, device, issuedAt, anonymous }: Principal): boolean {
    return !anonymous && this.known.size > 0 && isRevoked(this.known.get(keyOf(user, device)), issuedAt)
  }

  private async poll(): Promise<void> {
    try {
      for (let more = true; more && !this.stopped; ) more = await this.read()
      this.failing = false
    } catch (error) {
      // Once for each time that it begins to fail: the next second tries again.
      if (!this.failing && !this.stopped) this.options.onFailure(error as Error)
      this.failing = true
    }
    if (this.stopped) return
    this.timer = setTimeout(() => void this.poll(), this.options.everyMs ?? 1_000)
    this.timer.unref()
  }

  private async read(): Promise<boolean> {
    const { revocations, next, more } = await this.options.fetch(this.after)
    for (const [user, device, at] of revocations) this.note(keyOf(user, device), at)
    this.after = next
    return more
  }

  private note(key: string, at: number): void {
    const latest = Math.max(at, this.known.get(key) ?? 0)
    this.known.delete(key)
    this.known.set(key, latest)
    if (this.known.size > (this.options.devicesMax ?? 500_000)) this.known.delete(this.known.keys().next().value as string)
  }
}

const keyOf = (user: string, device: string) => `${user}\n${device}`
