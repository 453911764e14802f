/**
 * A log for simulations, after Kafka: a broker appends whatever reaches it, also what came too late (that is what makes records
 * void); requests and answers get lost, land late or twice. Each process has its own handle, which can be paused or killed.
 */
import type {
  Appended,
  Batch,
  Claim,
  Conflict,
  Log,
  LogRecord,
  LogStats,
  Preparation,
  RecordDraft,
  Tail,
  TailOptions,
  TopicReport,
} from '@roomlog/log'
import { RoomlogError } from '@roomlog/log'
import { isAppendTopic } from '@roomlog/protocol'
import type { Stage } from './stage.js'

/** The records that all handles share. */
export class SimBroker {
  readonly counts = new Map<string, number>()
  private readonly stored = new Map<string, (LogRecord | undefined)[]>()
  private readonly starts = new Map<string, number>()
  private listeners: (() => void)[] = []

  constructor(
    readonly stage: Stage,
    readonly partitions: number,
  ) {}

  records(topic: string, partition: number): (LogRecord | undefined)[] {
    const key = `${topic}/${partition}`
    let records = this.stored.get(key)
    if (!records) this.stored.set(key, (records = []))
    return records
  }

  start(topic: string, partition: number): number {
    return this.starts.get(`${topic}/${partition}`) ?? 0
  }

  write(topic: string, partition: number, drafts: RecordDraft[], meant?: number): number {
    const records = this.records(topic, partition)
    const base = records.length
    drafts.forEach(({ key, value, headers }, index) => {
      const offset = base + index
      const own: Record<string, string> = meant === undefined ? {} : { offset: String(meant + index) }
      records.push({
        offset,
        key,
        value: value === null ? null : Buffer.from(value),
        headers: { ...headers, ...own },
        time: this.stage.now(),
      })
    })
    const woken = this.listeners
    this.listeners = []
    for (const listener of woken) listener()
    return base
  }

  written(): Promise<void> {
    return new Promise((resolve) => this.listeners.push(resolve))
  }

  /** Keeps the last record of each key, as log compaction does; offsets stay. */
  compact(topic: string, partition: number): void {
    const records = this.records(topic, partition)
    const last = new Map(records.flatMap((record) => (record ? [[record.key, record.offset]] : [])))
    for (const record of records)
      if (record && (last.get(record.key) !== record.offset || (record.value === null && this.stage.random.chance(0.5))))
        records[record.offset] = undefined
    this.count('compactions')
  }

  /** What was not synced when the power went: the end of the log is gone. */
  lose(topic: string, partition: number, keep: number): void {
    this.records(topic, partition).splice(keep)
  }

  trim(topic: string, partition: number, before: number): void {
    this.starts.set(`${topic}/${partition}`, before)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

/** How likely each fault is, per request. */
export interface Faults {
  lost: number
  answerLost: number
  late: number
  twice: number
  readFails: number
}

export const noFaults: Faults = { lost: 0, answerLost: 0, late: 0, twice: 0, readFails: 0 }

/** One process's way to the broker. */
export class SimLog implements Log {
  readonly url = 'sim:'
  dead = false
  private pausesAt?: string
  private resumed?: Promise<void>
  private resumeNow?: () => void

  constructor(
    readonly broker: SimBroker,
    private readonly faults: Faults,
  ) {}

  get partitions(): number {
    return this.broker.partitions
  }

  /** Requests wait until `resume`. @param at only from the next write on to a topic whose name ends so */
  pause(at?: string): void {
    if (at) {
      this.pausesAt = at
      return
    }
    this.resumed ??= new Promise((resolve) => (this.resumeNow = resolve))
  }

  resume(): void {
    this.pausesAt = undefined
    this.resumeNow?.()
    this.resumed = undefined
  }

  async append(topic: string, partition: number, expectedEnd: number, records: RecordDraft[]): Promise<Appended | Conflict> {
    const baseOffset = await this.write('append', topic, partition, () => this.broker.write(topic, partition, records, expectedEnd))
    if (baseOffset === expectedEnd) return { appended: true, baseOffset }
    this.broker.count('voidBatches')
    return { appended: false }
  }

  async produce(topic: string, partition: number, records: RecordDraft[]): Promise<{ baseOffset: number }> {
    return { baseOffset: await this.write('produce', topic, partition, () => this.broker.write(topic, partition, records)) }
  }

  async read(topic: string, partition: number, from: number, options: { bytesMax?: number } = {}): Promise<Batch> {
    await this.turn()
    if (this.broker.stage.random.chance(this.faults.readFails)) {
      this.broker.count('failedReads')
      throw new RoomlogError('unavailable', 'simulated')
    }
    return this.batch(topic, partition, from, options.bytesMax)
  }

  tail(topic: string, partition: number, from: number, onBatch: (batch: Batch) => void | Promise<void>, options: TailOptions = {}): Tail {
    let stopped = false
    const run = async () => {
      let at = from
      for (let first = true; !stopped; ) {
        await this.turn()
        if (stopped) return undefined
        const batch = this.batch(topic, partition, at, 1_000)
        if (batch.next === at && !first) {
          await this.broker.written()
          continue
        }
        first = false
        at = batch.next
        await onBatch(batch)
      }
      return undefined
    }
    const ended = run().catch((error: Error) => {
      options.onFailure?.(error)
      return error
    })
    return {
      ended,
      stop: async () => {
        stopped = true
      },
    }
  }

  async trim(topic: string, partition: number, before: number): Promise<{ start: number }> {
    await this.turn()
    this.broker.trim(topic, partition, before)
    return { start: before }
  }

  async range(topic: string, partition: number): Promise<{ start: number; end: number }> {
    await this.turn()
    return { start: this.broker.start(topic, partition), end: this.broker.records(topic, partition).length }
  }

  async claim(): Promise<Claim> {
    throw new Error('a simulation decides itself who owns what')
  }

  async topicId(topic: string): Promise<string> {
    return `id of ${topic}`
  }

  async prepare(): Promise<Preparation> {
    return { created: [], risks: [] }
  }

  stats(): LogStats {
    return { fetchedBytes: {}, voids: 0, conflicts: 0, reconnects: 0 }
  }

  async inspect(): Promise<TopicReport[]> {
    return []
  }

  async close(): Promise<void> {}

  private async write(kind: string, topic: string, partition: number, apply: () => number): Promise<number> {
    const { random } = this.broker.stage
    if (this.pausesAt && topic.endsWith(this.pausesAt)) {
      this.pausesAt = undefined
      this.pause()
    }
    await this.turn()
    if (random.chance(this.faults.lost)) this.fail(`${kind}Lost`)
    if (random.chance(this.faults.late)) {
      void this.applyLate(topic, partition, apply)
      this.fail(`${kind}Late`)
    }
    const base = apply()
    if (random.chance(this.faults.twice)) {
      apply()
      this.broker.count(`${kind}Twice`)
    }
    await this.turn()
    if (random.chance(this.faults.answerLost)) this.fail(`${kind}AnswerLost`)
    return base
  }

  /** A request that was given up, and is on its way all the same. Even its process may be gone. */
  private async applyLate(_topic: string, _partition: number, apply: () => number): Promise<void> {
    for (let turns = this.broker.stage.random.below(30); turns >= 0; turns--) await this.broker.stage.turn()
    apply()
  }

  private fail(what: string): never {
    this.broker.count(what)
    throw new RoomlogError('unknown', `simulated: ${what}`)
  }

  private async turn(): Promise<void> {
    await this.broker.stage.turn()
    while (this.resumed) await this.resumed
    if (this.dead) await new Promise(() => {})
  }

  private batch(topic: string, partition: number, from: number, bytesMax = 1_000_000): Batch {
    const all = this.broker.records(topic, partition)
    const start = this.broker.start(topic, partition)
    if (from < start || from > all.length)
      throw new RoomlogError('out_of_range', `${topic}/${partition}: ${from} is not in ${start}..${all.length}`)
    const batch: Batch = { topic, partition, records: [], next: from, end: all.length, voids: 0 }
    let bytes = 0
    while (batch.next < all.length && bytes < bytesMax) {
      const record = all[batch.next++]
      if (!record) continue
      bytes += record.value?.length ?? 0
      if (!isAppendTopic(topic) || record.headers['offset'] === String(record.offset)) batch.records.push(record)
      else batch.voids++
    }
    return batch
  }
}
