/**
 * When to come back. Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015): a delay drawn evenly from
 * zero to a bound that doubles, so that the clients of an edge that died do not return together.
 */
import type { Times } from './bounds.js'

export type ComeBack = 'at_once' | 'after_delay' | 'no'

/** 4000–4099 at once, 4100–4199 after the delay, 4200–4299 not; anything else is the network's: after the delay. */
export function comeBack(closeCode: number): ComeBack {
  if (closeCode >= 4000 && closeCode < 4100) return 'at_once'
  if (closeCode >= 4200 && closeCode < 4300) return 'no'
  return 'after_delay'
}

export interface Loss {
  closeCode: number
  /** What the server's `bye` asked for; the server has jittered it already. */
  reconnectInMs?: number | undefined
  /** Attempts since the last connection that held. */
  attempt: number
}

/** Milliseconds until the next attempt; undefined = do not come back. */
export function retryDelayMs(loss: Loss, times: Pick<Times, 'backOffMin' | 'backOffMax'>, random: () => number): number | undefined {
  const when = comeBack(loss.closeCode)
  if (when === 'no') return undefined
  if (loss.reconnectInMs !== undefined && loss.attempt === 0) return Math.min(loss.reconnectInMs, times.backOffMax)
  if (when === 'at_once' && loss.attempt === 0) return 0
  return fullJitterMs(loss.attempt, times, random)
}

export function fullJitterMs(attempt: number, times: Pick<Times, 'backOffMin' | 'backOffMax'>, random: () => number): number {
  const bound = Math.min(times.backOffMax, times.backOffMin * 2 ** Math.min(attempt, 30))
  return Math.floor(random() * bound)
}
