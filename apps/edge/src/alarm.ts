import type { Clock } from './ports.js'

/** Calls back once, at a time that may be further away than a timer can hold (2^31 ms), or never (`Infinity`). */
export function alarmAt(clock: Clock, at: number, call: () => void): { cancel(): void } {
  if (at === Number.POSITIVE_INFINITY) return { cancel: () => {} }
  let timer: { cancel(): void }
  const wait = () => {
    const left = Math.max(at - clock.now(), 0)
    timer = clock.after(Math.min(left, timerMsMax), left > timerMsMax ? wait : call)
  }
  wait()
  return { cancel: () => timer.cancel() }
}

const timerMsMax = 2 ** 31 - 1
