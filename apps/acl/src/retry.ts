import { RoomlogError } from '@roomlog/log'
import { pause } from './clock.js'
import type { Site } from './site.js'

/**
 * Acts until it is done, with growing pauses: a failure of the log is waited out, there is nothing else that a partition could do.
 * @throws what is not retriable, and any failure once `stopped`.
 */
export async function untilDone<T>({ clock, bounds, warn }: Site, what: string, stopped: () => boolean, act: () => Promise<T>): Promise<T> {
  for (let retryMs = bounds.retryMsMin; ; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
    try {
      return await act()
    } catch (error) {
      if (stopped() || (error instanceof RoomlogError && !error.retriable)) throw error
      warn(`${what}; trying again`)(error as Error)
      await pause(clock, retryMs)
    }
  }
}
