/**
 * Forgets in the background what may be forgotten: records past their retention, and in compacted topics all but the
 * last record of each key. Append topics lose only what they are told to. In slices, so that nobody waits for it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { outline } from './codec.js'
import type { FileStore, FileTopic } from './store.js'

const everyMs = 30_000
/** Records looked at without a pause. */
const slice = 2_000
const pauseMs = 5
/** A partition is compacted when so many records came since the last time. */
const compactAfter = 10_000
/** A tombstone stays so long, so that every reader meets it. */
const tombstoneMs = 86_400_000

export class Cleaner {
  private timer?: NodeJS.Timeout
  private stopped = false
  private readonly compacted = new Map<string, number>()

  constructor(
    private readonly store: FileStore,
    private readonly now: () => number,
    private readonly onFailure: (error: Error) => void,
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      void this.clean()
        .catch((error) => this.stopped || this.onFailure(error as Error))
        .finally(() => this.stopped || this.start())
    }, everyMs).unref()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  async clean(): Promise<void> {
    for (const topic of [...this.store.topics()]) {
      if (topic.spec.append) continue
      for (let partition = 0; partition < topic.partitions && !this.stopped; partition++) {
        if (topic.spec.compacted) await this.compact(topic, partition)
        else if (topic.spec.retentionMs >= 0) await this.expire(topic, partition)
      }
    }
  }

  /** Slice by slice, each of them with the start that it leaves behind: whenever it ends, what is left is a whole log. */
  async trim(topic: FileTopic, partition: number, before: number): Promise<void> {
    for (let start = topic.at[partition]!.start; start < before; ) {
      const next = Math.min(before, start + slice)
      const offsets = Array.from({ length: next - start }, (_, index) => start + index)
      await this.store.remove(topic, partition, offsets, next)
      start = next
    }
  }

  private async expire(topic: FileTopic, partition: number): Promise<void> {
    const before = this.now() - topic.spec.retentionMs
    for (let more = true; more && !this.stopped; ) {
      const expired: number[] = []
      for (const { offset, value } of this.store.stored(topic, partition, topic.at[partition]!.start)) {
        if (outline(value).time >= before || expired.length >= slice) break
        expired.push(offset)
      }
      more = expired.length >= slice
      if (expired.length > 0) await this.store.remove(topic, partition, expired, expired.at(-1)! + 1)
    }
  }

  /** Keeps the last record of each key, and always the partition's last one: it says where the end is. */
  private async compact(topic: FileTopic, partition: number): Promise<void> {
    const key = `${topic.number}/${partition}`
    const { saved } = topic.at[partition]!
    if (saved - (this.compacted.get(key) ?? 0) < compactAfter) return
    const last = new Map<string | null, number>()
    const superseded: number[] = []
    for await (const { offset, value } of this.slices(topic, partition, saved)) {
      const { key: name, tombstone, time } = outline(value)
      const older = last.get(name)
      if (older !== undefined) superseded.push(older)
      last.set(name, offset)
      if (tombstone && offset < saved - 1 && time < this.now() - tombstoneMs) {
        last.delete(name)
        superseded.push(offset)
      }
    }
    for (let index = 0; index < superseded.length && !this.stopped; index += slice) {
      await this.store.remove(topic, partition, superseded.slice(index, index + slice))
    }
    this.compacted.set(key, saved)
  }

  private async *slices(topic: FileTopic, partition: number, to: number): AsyncIterable<{ offset: number; value: Buffer }> {
    for (let from = 0; from < to && !this.stopped; ) {
      let looked = 0
      for (const record of this.store.stored(topic, partition, from)) {
        if (record.offset >= to) return
        yield record
        from = record.offset + 1
        if (++looked >= slice) break
      }
      if (looked < slice) return
      await delay(pauseMs)
    }
  }
}
