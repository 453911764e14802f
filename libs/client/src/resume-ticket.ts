/**
 * The newest resume ticket that the server gave. Asked for from time to time, so that a reconnect proves nothing anew, also where
 * the edge had no time to say good-bye.
 */
import type { Times } from './bounds.js'
import type { Clock } from './environment.js'

export class ResumeTicket {
  text: string | undefined
  #timer: unknown

  constructor(
    private readonly clock: Clock,
    private readonly times: Pick<Times, 'ticketAfter' | 'ticketEvery'>,
    private readonly ask: () => void,
  ) {}

  connected(): void {
    this.#plan(this.times.ticketAfter)
  }

  disconnected(): void {
    this.clock.clearTimeout(this.#timer)
  }

  /** Whatever is no ticket leaves the one before. */
  take(ticket: unknown): void {
    if (typeof ticket === 'string') this.text = ticket
  }

  #plan(inMs: number): void {
    this.#timer = this.clock.setTimeout(() => {
      this.ask()
      this.#plan(this.times.ticketEvery)
    }, inMs)
  }
}
