/**
 * Notices a dead connection and a machine that slept.
 *
 * A laptop that wakes up still believes in its socket, and TCP may let it believe for a quarter of an hour. Timers stand
 * still during the sleep while the wall clock goes on: a tick that comes much too late gives the sleep away. The
 * connection is then pinged with a short deadline.
 */
import type { Times } from './bounds.js'
import type { Clock } from './environment.js'

export interface HeartbeatHooks {
  /** Sends a ping; any frame that comes counts as its answer. */
  ping(): void
  /** The connection is dead. */
  dead(): void
  /** The machine slept for about so long. Called before the ping. */
  woke(sleptMs: number): void
}

export class Heartbeat {
  #timer: unknown
  #tickedAt = 0
  #heardAt = 0
  /** Deadline of the ping that is on its way. */
  #pongBy: number | undefined
  #connected = false

  constructor(
    private readonly clock: Clock,
    private readonly times: Pick<Times, 'pingAfter' | 'pongWithin' | 'pongAfterWakeWithin' | 'tickEvery' | 'sleptAfter'>,
    private readonly hooks: HeartbeatHooks,
  ) {}

  start(): void {
    if (this.#timer !== undefined) return
    this.#tickedAt = this.clock.now()
    this.#schedule(this.times.tickEvery)
  }

  stop(): void {
    this.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#connected = false
  }

  connected(): void {
    this.#connected = true
    this.heard()
  }

  disconnected(): void {
    this.#connected = false
    this.#pongBy = undefined
  }

  /** A frame came. */
  heard(): void {
    this.#heardAt = this.clock.now()
    this.#pongBy = undefined
  }

  #schedule(ms: number): void {
    this.#timer = this.clock.setTimeout(() => this.#tick(ms), ms)
  }

  #tick(expectedMs: number): void {
    const now = this.clock.now()
    const late = now - this.#tickedAt - expectedMs
    this.#tickedAt = now
    this.#schedule(this.times.tickEvery)
    if (late > this.times.sleptAfter) {
      this.hooks.woke(late)
      if (this.#connected) this.#ping(now, this.times.pongAfterWakeWithin)
    } else if (!this.#connected) {
      return
    } else if (this.#pongBy !== undefined && now >= this.#pongBy) {
      this.hooks.dead()
    } else if (this.#pongBy === undefined && now - this.#heardAt >= this.times.pingAfter) {
      this.#ping(now, this.times.pongWithin)
    }
  }

  #ping(now: number, withinMs: number): void {
    this.#pongBy = now + withinMs
    this.clock.clearTimeout(this.#timer)
    this.#schedule(Math.min(this.times.tickEvery, withinMs))
    this.hooks.ping()
  }
}
