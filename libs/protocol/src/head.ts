/** The head of a partition's checkpoint: the record `head` of `<family>.state`, written after everything that it speaks of. */
export interface Head {
  /** The replay starts here: all chunks hold what came before, and all follow-ups of it are acknowledged. */
  through: number
  /** The last valid record that is covered, and a check of it; absent = none. */
  last?: { offset: number; check: string }
  /** As the fold had them at `through` or later. */
  cmd: number
  parked: number[]
  /** In the form of the header `causes`. */
  causes: Record<string, string>
  incarnation: string
  /**
   * Where in `<family>.state` its writer meant it to stand. Up to there, everything that somebody else wrote was read and put
   * right by the writer; what stands behind, and is folded less far than the head, is a late write.
   */
  stands: number
  /** Milliseconds since 1970. */
  at: number
}

export const headKey = 'head'

/** Headers of `<family>.state`. */
export interface StateHeaders {
  v: string
  /** The offset of the events that the record is folded to. */
  through: string
  /** The offset of its writer's owner mark. */
  owner: string
  /** Of the log that it was folded from. */
  epoch: string
}
