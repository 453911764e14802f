/** The head of a partition's checkpoint: the record `head` of `room.state`, written after everything that it speaks of. */
import { hash } from 'node:crypto'
import type { EncodedCauses } from './causes.js'

export interface Head {
  /** The replay starts here: all chunks hold what came before, and all follow-ups of it are acknowledged. */
  through: number
  /** The last valid record that is covered, and a check of it; absent = none. */
  last?: { offset: number; check: string }
  /** As the fold had them at `through` or later. */
  cmd: number
  parked: number[]
  causes: EncodedCauses
  incarnation: string
  /**
   * Where in `room.state` its writer meant it to stand. Up to there, everything that somebody else wrote was read and put
   * right by the writer; what stands behind, and is folded less far than the head, is a late write.
   */
  stands: number
  /** Milliseconds since 1970. */
  at: number
}

export const headKey = 'head'

export const emptyHead: Head = { through: 0, cmd: -1, parked: [], causes: {}, incarnation: '', stands: 0, at: 0 }

/** A short check of a record's value, so that another log is not taken for this one. */
export function recordCheck(value: Buffer | string | null): string {
  return hash('sha256', value ?? '', 'base64url').slice(0, 8)
}
