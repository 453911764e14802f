import { setImmediate as nextTurn } from 'node:timers/promises'
import { bounds } from './bounds.js'

/** Keeps long work from holding the process: `await slice.yield()` gives way once `sliceMsMax` have been used. */
export class Slice {
  private began = performance.now()

  /** Undefined while there is time left, so that a hot loop pays no await. */
  yield(): Promise<void> | undefined {
    if (performance.now() - this.began < bounds.sliceMsMax) return undefined
    return nextTurn().then(() => {
      this.began = performance.now()
    })
  }
}
