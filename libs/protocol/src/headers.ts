/**
 * Headers of records: routing facts, so that readers need not parse values. All are UTF-8 text.
 */
export type Headers = Readonly<Record<string, string>>

/** Version of the record format that this code writes. Readers accept every version up to it. */
export const recordVersion = '1'

/** Headers of `room.events` and `user.events`. */
export interface EventHeaders {
  v: string
  /** Where the writer meant the record to stand; it counts only there. */
  offset: string
  /** Offset of the last command that its batch decides, refused ones included. */
  cmd: string
  /** Absent on marks, the log's own records. */
  seq?: string
  type?: string
  key?: string
  sender?: string
  follows?: string
  erases?: string
  /** Slow mode: until when its sender waits, in milliseconds since 1970. */
  paced?: string
  keys?: string
  /** Checksum of key, value and the other headers; given and verified by `libs/log`. */
  sum?: string
  traceparent?: string
  device?: string
  /** JSON of the domain's `Action`. */
  action?: string
  origin?: string
  /** JSON `{"<topic>/<partition>/<incarnation>": "<offset>.<index>"}`: the last cause decided per source, where it changed. */
  causes?: string
  /** JSON array of command offsets up to `cmd` that wait for their `prevActionId`; on the last record of a batch, where it changed. */
  parked?: string
}

/** Headers that never leave the cluster. */
export const privateHeaders = ['device', 'action', 'origin', 'causes', 'parked', 'paced'] as const

/** Headers of `room.commands` and `user.commands`. */
export interface CommandHeaders {
  v: string
  origin: string
  /** `<partition>:<request ID>` in `room.replies`; absent = nobody waits. */
  reply?: string
  /** JSON `{topic, partition, offset, index}` of a follow-up: the event (or mark) that caused it. */
  cause?: string
  traceparent?: string
  sum?: string
}

export interface Cause {
  topic: string
  partition: number
  offset: number
  index: number
  /** Incarnation of the source's log: one that begins anew counts its offsets anew. */
  incarnation?: string
}

/** Value of a mark (a record of an append topic without `seq`). */
export interface Mark {
  /** `owner`: a take-over · `incarnation`: the log's identity begins here · `decided`: only refusals or forwards happened. */
  mark: 'owner' | 'incarnation' | 'decided'
  /** Follow-ups of decisions that appended no event; sent as those of events are, with this mark as their cause. */
  then?: unknown[]
  /** Owner marks repeat it (older ones do not): a log that is trimmed to one of them still names its incarnation first. */
  incarnation?: string
}
