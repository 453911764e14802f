/**
 * The log port: what the four services know of Kafka, LMDB and memory.
 *
 * A topic is a set of partitions; a partition is a sequence of records with dense offsets 0, 1, 2 …
 * Append topics (`room.events`, `user.events`) have compare-and-append: every record says in its header `offset`
 * where it means to stand, and a record that stands elsewhere is void. Readers of this port never see void records.
 */
import type { Headers, TopicSpec } from '@roomlog/protocol'

export interface LogRecord {
  offset: number
  /** UTF-8 text; null where the producer gave none. */
  key: string | null
  /** null = tombstone of a compacted topic. */
  value: Buffer | null
  headers: Headers
  /** Milliseconds since 1970: broker's append time where the topic has it, else the producer's. */
  time: number
}

export interface RecordDraft {
  key: string | null
  value: Buffer | string | null
  /** `offset` and `sum` are given by `append`; `sum` by `produce` too. */
  headers?: Headers
}

export interface Batch {
  topic: string
  partition: number
  /** Valid records in ascending order, marks included, void ones left out. May be empty. */
  records: LogRecord[]
  /** Offset to read next: past everything seen, void records too. */
  next: number
  /** High watermark at the time of the read: `next === end` = in step with the tail. */
  end: number
  /** How many void records were passed over. */
  voids: number
}

export type Appended = { appended: true; baseOffset: number }
/** Somebody else extended the log. Read on from what is known, fold, decide again. */
export type Conflict = { appended: false }

export interface Tail {
  /** Resolves when no further batch will be given. */
  stop(): Promise<void>
  /** Resolves when the tail is over: `undefined` after `stop`, else what ended it (damage, beyond the log's end, a throw of `onBatch`). */
  readonly ended: Promise<Error | undefined>
}

export interface TailOptions {
  /** Called for a failure that does not end the tail (it retries with back-off), e.g. a leader change. */
  onFailure?(error: Error): void
}

/** One claim per process and group: partitions are granted to exactly one live claimant, for liveness only. */
export interface Claim {
  /** Gives everything back in good order (calls `onRevoked` and awaits it). */
  release(): Promise<void>
}

export interface ClaimHandlers {
  /** May be called again for other partitions at any time. */
  onGranted(partitions: number[]): void
  /** Awaited for at most the session time-out before somebody else is granted them. */
  onRevoked(partitions: number[]): Promise<void>
}

export interface Log {
  readonly url: string
  /** P. */
  readonly partitions: number

  /**
   * Appends one atomic batch to an append topic if its end is `expectedEnd`.
   * @throws RoomlogError `unknown` if the outcome cannot be known now (time-out, lost connection): the caller
   *   reads to the high watermark to find out, and never re-sends the batch as it was.
   */
  append(topic: string, partition: number, expectedEnd: number, records: RecordDraft[]): Promise<Appended | Conflict>

  /** Writes to any other topic; resolves when durable, where the topic is (`TopicSpec`), else when taken. Order is kept between calls that are awaited one after another. */
  produce(topic: string, partition: number, records: RecordDraft[]): Promise<{ baseOffset: number }>

  /**
   * One catch-up read from `from`. Never waits for new records; empty at the end.
   * @throws RoomlogError `out_of_range` below the log's start or beyond its end.
   */
  read(topic: string, partition: number, from: number, bounds?: { bytesMax?: number; signal?: AbortSignal }): Promise<Batch>

  /**
   * Follows a partition from `from` on. `onBatch` is awaited before the next batch of that partition (back-pressure);
   * if it throws, the tail stops and `onFailure` is told. A read below the log's start is told too and goes on at its start.
   * `onBatch` is also called once with an empty batch when the tail is first reached, so that a reader knows that it is in step.
   */
  tail(topic: string, partition: number, from: number, onBatch: (batch: Batch) => void | Promise<void>, options?: TailOptions): Tail

  /**
   * Forgets the records of an append topic below `before`, for good; offsets stay. A `before` at or below the start changes nothing.
   * Whoever calls it knows that nobody needs them from here.
   * @returns the start afterwards.
   * @throws RoomlogError `out_of_range` beyond the log's end, `invalid` for a topic that is not an append topic.
   */
  trim(topic: string, partition: number, before: number): Promise<{ start: number }>

  /** First offset kept, and the high watermark. */
  range(topic: string, partition: number): Promise<{ start: number; end: number }>

  /** Shares the partitions of `topics` (co-partitioned) among the claimants of `group`. */
  claim(group: string, topics: string[], handlers: ClaimHandlers): Promise<Claim>

  /** Identity of the topic as given at its creation; changes when it is deleted and created anew. */
  topicId(topic: string): Promise<string>

  /** Creates what is missing and checks the rest against `durability`. */
  prepare(specs: readonly TopicSpec[], durability: 'strict' | 'relaxed'): Promise<Preparation>

  /** What this handle has done since it was opened. */
  stats(): LogStats

  /** What `prepare` would find, without changing anything. */
  inspect(specs: readonly TopicSpec[]): Promise<TopicReport[]>

  close(): Promise<void>
}

export interface TopicReport {
  topic: string
  exists: boolean
  partitions: number
  /** How many copies there are of each record. */
  replicas: number
  findings: Finding[]
}

export interface Finding {
  /** `broken`: nothing may run on it · `risk`: acknowledged records may be lost; refused under `strict`. */
  kind: 'broken' | 'risk'
  /** What is wrong, in plain words. */
  what: string
  /** The command or setting that changes it. */
  fix: string
}

export interface LogStats {
  /** Bytes of records read, per `<topic>/<partition>`; on Kafka as they came over the network. */
  fetchedBytes: Record<string, number>
  /** Void records passed over. */
  voids: number
  conflicts: number
  /** Connections lost or leaders changed, and read on. */
  reconnects: number
}

export interface Preparation {
  created: string[]
  /** What may lose acknowledged events, in plain words; refused (thrown) under `strict`. */
  risks: string[]
}
