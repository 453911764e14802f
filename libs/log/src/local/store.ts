import type { TopicSpec } from '@roomlog/protocol'
import type { LogRecord } from '../port.js'
import type { Sealed } from '../record.js'

export interface StoredTopic {
  id: string
  spec: TopicSpec
  partitions: number
}

/**
 * What a log inside one process keeps its records in. One process, so the ends live in memory and compare-and-append
 * is a comparison; everything a reader can see through a store is durable already (as far as the store is).
 */
export interface Store {
  /** Set by who wants to know: called when a partition has more to read. */
  visible: (topic: string, partition: number) => void
  topics(): Iterable<StoredTopic>
  topic(name: string): StoredTopic | undefined
  create(spec: TopicSpec, partitions: number): Promise<void>
  /**
   * All records or none, at the end of the partition; resolves when durable and visible, with the base offset.
   * `undefined` = the end is not `expectedEnd`. Writes of one partition are kept in the order of the calls.
   */
  write(topic: StoredTopic, partition: number, records: readonly Sealed[], expectedEnd?: number): Promise<number | undefined>
  /**
   * Records from `from` on, ascending, at least one where there is one, and the offset to read next. `given`: they are the very
   * records that were written, and were never anywhere but in memory; there is no damage to look for.
   */
  read(topic: StoredTopic, partition: number, from: number, bytesMax: number): { records: LogRecord[]; next: number; given?: true }
  /** Forgets what stands below `before`, which is not beyond the end of what is durable; resolves when that is durable. */
  trim(topic: StoredTopic, partition: number, before: number): Promise<void>
  range(topic: StoredTopic, partition: number): { start: number; end: number }
  close(): Promise<void>
}
