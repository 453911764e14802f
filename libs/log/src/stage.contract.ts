/** What the contract's parts share: a place for logs, the topics in it, partitions that no other test writes to. */
import type { TopicSpec } from '@roomlog/protocol'
import type { Log } from './port.js'
import type { Sealed } from './record.js'

/** Where an implementation keeps its logs during the tests. */
export interface Place {
  /** A handle of its own on the same log each time, as another process would have. */
  open(): Promise<Log>
  /** Writes records as they are, without `append`: what a paused or foreign writer leaves behind. */
  plant(topic: string, partition: number, records: Sealed[]): Promise<void>
  remove(): Promise<void>
}

export interface Stage {
  readonly log: Log
  readonly place: Place
  /** A partition that no other test writes to. */
  fresh(): number
}

export const partitions = 64

const topic = (name: string, spec: Partial<TopicSpec>): TopicSpec => ({
  name,
  partitions: 'P',
  append: false,
  durable: false,
  compacted: false,
  retentionMs: -1,
  appendTime: false,
  ...spec,
})

export const specs: readonly TopicSpec[] = [
  topic('room.events', { append: true, durable: true }),
  topic('room.commands', { durable: true, retentionMs: 604_800_000, appendTime: true }),
  topic('room.state', { durable: true, compacted: true }),
  topic('room.replies', { retentionMs: 600_000 }),
]
