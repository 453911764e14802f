/**
 * `idle` (nothing asked for yet) → `connecting` → `connected` → `waiting` (for the next attempt) → `connecting` …
 * and at last `closed`, from which nothing comes back: closed by the application, or by the server for good.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'waiting' | 'closed'

export interface StateChange {
  state: ConnectionState
  previous: ConnectionState
  /** Why, in a word: `opened`, `drain`, `slow`, `no_pong`, `slept`, `network`, `expired`, `closed` … */
  reason: string
  /** The server's close code, where there was one. */
  closeCode?: number
  /** `waiting`: milliseconds until the next attempt. */
  retryInMs?: number
}
