/**
 * An action: a command of this device, numbered, shown at once (local echo) and decided later.
 */
import type { Accepted } from '@roomlog/protocol'
import type { Clock } from './environment.js'
import type { ClientError } from './failure.js'

/** The envelope of a command, without what the SDK itself gives (`room`, `actionId`, `prevActionId`). */
export interface ActionWish {
  type: string
  content?: unknown
  /** Whom a membership command concerns. */
  user?: string
  key?: string
  ifSeq?: number
  ref?: string
  thread?: string
  mentions?: string[]
  [more: string]: unknown
}

/** `done` rejects with the refusal; nobody has to listen. */
export interface Action {
  readonly id: number
  readonly room: string
  readonly wish: ActionWish
  readonly state: 'pending' | 'confirmed' | 'failed'
  readonly result?: Accepted
  readonly error?: ClientError
  readonly done: Promise<Accepted>
}

/**
 * Increasing action IDs of one device, also over restarts without a store: they follow the clock in microseconds, and
 * stay ahead of it where it steps back or more than one is wanted at a time.
 */
export class ActionIds {
  constructor(
    private readonly clock: Clock,
    private last = 0,
  ) {}

  next(): number {
    this.last = Math.max(this.last + 1, this.clock.now() * 1_000)
    return this.last
  }

  /** The authority has seen a higher one of this device: another tab, or a clock that was ahead. */
  raise(lastActionId: number): void {
    this.last = Math.max(this.last, lastActionId)
  }
}
