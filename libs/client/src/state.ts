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

/** The word for a close code. */
export function closeReason(closeCode: number): string {
  return reasons[closeCode] ?? 'network'
}

const reasons: Record<number, string> = { 4000: 'drain', 4001: 'slow', 4100: 'no_pong', 4200: 'bad_token', 4201: 'expired' }
