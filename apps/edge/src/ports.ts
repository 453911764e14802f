/**
 * What the subscription machinery takes from outside, so that a simulation can run it with a fake clock, fake sockets,
 * the memory log and a history that lags.
 */
import type { Log } from '@roomlog/log'
import type { AccessStatement, EventsPage } from '@roomlog/protocol'
import type { Frame } from './frame.js'

/** The part of the log that an edge reads. */
export type EventLog = Pick<Log, 'partitions' | 'read' | 'tail' | 'range' | 'topicId'> & Partial<Pick<Log, 'stats'>>

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back once, after `ms`. */
  after(ms: number, call: () => void): { cancel(): void }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Persistence, as the edge asks it. Every answer names the offset at which it is true. Throws when it cannot answer. */
export interface History {
  access(room: string, user: string): Promise<AccessStatement>
  /** Events with `seq` > `after`, ascending, without gaps; deleted ones as tombstones. */
  events(room: string, after: number, limit: number): Promise<EventsPage>
  /** The event that an ID names, as it is stored now; undefined where there is none. */
  event(id: string): Promise<string | undefined>
  /** `seq`s of the room's erased events. */
  erased(room: string): Promise<{ erased: number[]; through: number }>
}

/** One connection as a subscription sees it: somewhere to put frames, and how full it is. */
export interface Sink {
  /** Puts one shared frame out. Never refuses: the caller looks at `full` first. */
  deliver(frame: Frame): void
  /** Puts out one frame of this connection alone. */
  send(text: string): void
  /** Whether the send buffer has passed its bound. */
  readonly full: boolean
  /** Resolves when the buffer has drained far enough to go on, or the connection is gone. */
  drained(): Promise<void>
}
