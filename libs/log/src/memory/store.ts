/** Records in arrays. Nothing survives the process; for unit tests and simulation. */
import type { TopicSpec } from '@roomlog/protocol'
import type { Store, StoredTopic } from '../local/store.js'
import type { LogRecord } from '../port.js'
import { bytesOf, type Sealed } from '../record.js'

export class MemoryStore implements Store {
  visible: (topic: string, partition: number) => void = () => {}
  private readonly all = new Map<string, StoredTopic & { records: LogRecord[][] }>()

  /** @param now the clock that gives append time, milliseconds since 1970. @param id what makes topic IDs. */
  constructor(
    private readonly now: () => number,
    private readonly id: () => string,
  ) {}

  topics(): Iterable<StoredTopic> {
    return this.all.values()
  }

  topic(name: string): StoredTopic | undefined {
    return this.all.get(name)
  }

  async create(spec: TopicSpec, partitions: number): Promise<void> {
    const records = Array.from({ length: partitions }, () => [])
    this.all.set(spec.name, { id: this.id(), spec, partitions, records })
  }

  async write(topic: StoredTopic, partition: number, records: readonly Sealed[], expectedEnd?: number): Promise<number | undefined> {
    const stored = this.of(topic, partition)
    const base = stored.length
    if (expectedEnd !== undefined && expectedEnd !== base) return undefined
    const time = this.now()
    for (const record of records) stored.push({ offset: stored.length, ...record, time })
    this.visible(topic.spec.name, partition)
    return base
  }

  read(topic: StoredTopic, partition: number, from: number, bytesMax: number): { records: LogRecord[]; next: number } {
    const stored = this.of(topic, partition)
    let bytes = 0
    let next = from
    while (next < stored.length && bytes < bytesMax) bytes += bytesOf(stored[next++]!)
    return { records: stored.slice(from, next), next }
  }

  range(topic: StoredTopic, partition: number): { start: number; end: number } {
    return { start: 0, end: this.of(topic, partition).length }
  }

  async close(): Promise<void> {}

  private of(topic: StoredTopic, partition: number): LogRecord[] {
    return this.all.get(topic.spec.name)!.records[partition]!
  }
}
