/** Records in arrays. Nothing survives the process; for unit tests and simulation. */
import type { TopicSpec } from '@roomlog/protocol'
import type { Store, StoredTopic } from '../local/store.js'
import type { LogRecord } from '../port.js'
import { bytesOf, type Sealed } from '../record.js'

interface MemoryPartition {
  start: number
  /** From `start` on, one for each offset. */
  records: LogRecord[]
}

export class MemoryStore implements Store {
  visible: (topic: string, partition: number) => void = () => {}
  private readonly all = new Map<string, StoredTopic & { at: MemoryPartition[] }>()

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
    const at = Array.from({ length: partitions }, () => ({ start: 0, records: [] }))
    this.all.set(spec.name, { id: this.id(), spec, partitions, at })
  }

  async write(topic: StoredTopic, partition: number, records: readonly Sealed[], expectedEnd?: number): Promise<number | undefined> {
    const { start, records: stored } = this.of(topic, partition)
    const base = start + stored.length
    if (expectedEnd !== undefined && expectedEnd !== base) return undefined
    const time = this.now()
    for (const record of records) stored.push({ offset: start + stored.length, ...record, time })
    this.visible(topic.spec.name, partition)
    return base
  }

  read(topic: StoredTopic, partition: number, from: number, bytesMax: number): { records: LogRecord[]; next: number } {
    const { start, records: stored } = this.of(topic, partition)
    let bytes = 0
    let next = from - start
    while (next < stored.length && bytes < bytesMax) bytes += bytesOf(stored[next++]!)
    return { records: stored.slice(from - start, next), next: start + next }
  }

  async trim(topic: StoredTopic, partition: number, before: number): Promise<void> {
    const place = this.of(topic, partition)
    place.records.splice(0, before - place.start)
    place.start = before
  }

  range(topic: StoredTopic, partition: number): { start: number; end: number } {
    const { start, records } = this.of(topic, partition)
    return { start, end: start + records.length }
  }

  async close(): Promise<void> {}

  private of(topic: StoredTopic, partition: number): MemoryPartition {
    return this.all.get(topic.spec.name)!.at[partition]!
  }
}
