import { setImmediate as nextTurn } from 'node:timers/promises'
import { bounds } from './bounds.js'

/** What slices are measured with; a simulation, which must not depend on the machine's speed, lets it stand still. */
export const stopwatch = { now: () => performance.now() }

/** Keeps long work from holding the process: `await slice.yield()` gives way once `sliceMsMax` have been used. */
export class Slice {
  private began = stopwatch.now()

  /** Undefined while there is time left, so that a hot loop pays no await. */
  yield(): Promise<void> | undefined {
    if (stopwatch.now() - this.began < bounds.sliceMsMax) return undefined
    return nextTurn().then(() => {
      this.began = stopwatch.now()
    })
  }
}
