/** One user's handle on a log inside this process. Closing it ends its tails and claims; the last one closes the store. */
import type { TopicSpec } from '@roomlog/protocol'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type {
  Appended,
  Batch,
  Claim,
  ClaimHandlers,
  Conflict,
  Finding,
  Log,
  LogStats,
  Preparation,
  RecordDraft,
  Tail,
  TailOptions,
  TopicReport,
} from '../port.js'
import { bytesOf, damaged, seal, sealAppend, sift } from '../record.js'
import { Counts } from '../stats.js'
import { traced } from '../trace.js'
import { checkTrim } from '../trim.js'
import type { LocalCore } from './core.js'
import { LocalTail } from './tail.js'

export class LocalLog implements Log {
  readonly url: string
  readonly partitions: number
  private readonly tails = new Set<LocalTail>()
  private readonly claims = new Set<Claim>()
  private readonly counts = new Counts()
  private closed?: Promise<void>

  constructor(
    private readonly core: LocalCore,
    private readonly released: () => Promise<void>,
  ) {
    this.url = core.url
    this.partitions = core.partitions
  }

  async append(topic: string, partition: number, expectedEnd: number, records: RecordDraft[]): Promise<Appended | Conflict> {
    this.open()
    const stored = this.core.topic(topic, partition)
    if (!stored.spec.append) throw new RoomlogError('invalid', `${topic} is not an append topic: use produce`)
    const baseOffset = await traced(topic, partition, records, (drafts) =>
      this.core.store.write(stored, partition, sealAppend(topic, expectedEnd, drafts), expectedEnd),
    )
    if (baseOffset === undefined) {
      this.counts.conflicts++
      return { appended: false }
    }
    return { appended: true, baseOffset }
  }

  async produce(topic: string, partition: number, records: RecordDraft[]): Promise<{ baseOffset: number }> {
    this.open()
    const stored = this.core.topic(topic, partition)
    if (stored.spec.append) throw new RoomlogError('invalid', `${topic} is an append topic: use append`)
    if (records.length === 0) return { baseOffset: this.core.store.range(stored, partition).end }
    const baseOffset = await traced(topic, partition, records, (drafts) =>
      this.core.store.write(
        stored,
        partition,
        drafts.map((draft) => seal(draft)),
      ),
    )
    return { baseOffset: baseOffset! }
  }

  async read(
    topic: string,
    partition: number,
    from: number,
    { bytesMax = bounds.readBytesMax as number, signal }: { bytesMax?: number; signal?: AbortSignal } = {},
  ): Promise<Batch> {
    this.open()
    signal?.throwIfAborted()
    return this.batch(topic, partition, from, bytesMax)
  }

  tail(topic: string, partition: number, from: number, onBatch: (batch: Batch) => void | Promise<void>, options: TailOptions = {}): Tail {
    this.open()
    const followed = {
      read: (at: number) => this.batch(topic, partition, at, bounds.tailBytesMax),
      start: () => this.core.store.range(this.core.topic(topic, partition), partition).start,
      listen: (listener: () => void) => this.core.listen(topic, partition, listener),
    }
    const tail = new LocalTail(followed, from, onBatch, options)
    this.tails.add(tail)
    void tail.ended.then(() => this.tails.delete(tail))
    return tail
  }

  async trim(topic: string, partition: number, before: number): Promise<{ start: number }> {
    this.open()
    const stored = this.core.topic(topic, partition)
    const { start, end } = this.core.store.range(stored, partition)
    checkTrim({ topic, partition, append: stored.spec.append }, before, end)
    if (before > start) await this.core.store.trim(stored, partition, before)
    return { start: this.core.store.range(stored, partition).start }
  }

  async range(topic: string, partition: number): Promise<{ start: number; end: number }> {
    this.open()
    return this.core.store.range(this.core.topic(topic, partition), partition)
  }

  async claim(group: string, topics: string[], handlers: ClaimHandlers): Promise<Claim> {
    this.open()
    const counts = new Set(topics.map((topic) => this.core.topic(topic).partitions))
    if (counts.size !== 1)
      throw new RoomlogError('invalid', `topics of one claim must have the same number of partitions: ${topics.join(', ')}`)
    const claimant = this.core.group(group).join([...counts][0]!, handlers)
    let left: Promise<void> | undefined
    const claim: Claim = {
      release: () => {
        this.claims.delete(claim)
        left ??= this.core.group(group).leave(claimant)
        return left
      },
    }
    this.claims.add(claim)
    return claim
  }

  async topicId(topic: string): Promise<string> {
    this.open()
    return this.core.topic(topic).id
  }

  async prepare(specs: readonly TopicSpec[], _durability: 'strict' | 'relaxed'): Promise<Preparation> {
    this.open()
    const created: string[] = []
    const wrong: string[] = []
    for (const spec of specs) {
      const partitions = spec.partitions === 'P' ? this.partitions : spec.partitions
      const stored = this.core.store.topic(spec.name)
      if (!stored) {
        await this.core.store.create(spec, partitions)
        created.push(spec.name)
      } else if (stored.partitions !== partitions) {
        wrong.push(
          `${spec.name} has ${stored.partitions} partitions, ${partitions} are configured (ROOMLOG_PARTITIONS is fixed at creation)`,
        )
      }
    }
    if (wrong.length > 0) throw new RoomlogError('invalid', wrong.join('\n'))
    return { created, risks: [...this.core.risks] }
  }

  async inspect(specs: readonly TopicSpec[]): Promise<TopicReport[]> {
    this.open()
    return specs.map((spec) => {
      const stored = this.core.store.topic(spec.name)
      const partitions = spec.partitions === 'P' ? this.partitions : spec.partitions
      const findings: Finding[] = []
      if (stored && stored.partitions !== partitions) {
        findings.push({
          kind: 'broken',
          what: `has ${stored.partitions} partitions, not ${partitions}`,
          fix: `set ROOMLOG_PARTITIONS=${stored.partitions}`,
        })
      }
      return { topic: spec.name, exists: stored !== undefined, partitions: stored?.partitions ?? 0, replicas: stored ? 1 : 0, findings }
    })
  }

  stats(): LogStats {
    return this.counts.read()
  }

  close(): Promise<void> {
    this.closed ??= (async () => {
      await Promise.all([...this.claims].map((claim) => claim.release()))
      await Promise.all([...this.tails].map((tail) => tail.stop()))
      await this.released()
    })()
    return this.closed
  }

  private open(): void {
    if (this.closed) throw new RoomlogError('unavailable', `the log ${this.url} is closed`, { retriable: false })
  }

  private batch(topic: string, partition: number, from: number, bytesMax: number): Batch {
    const stored = this.core.topic(topic, partition)
    const { start, end } = this.core.store.range(stored, partition)
    if (from < start || from > end) throw new RoomlogError('out_of_range', `${topic}/${partition}: ${from} is not in ${start}..${end}`)
    if (from === end) return { topic, partition, records: [], next: end, end, voids: 0 }
    const { records, next, given } = this.core.store.read(stored, partition, from, bytesMax)
    this.counts.fetched(
      topic,
      partition,
      records.reduce((sum, record) => sum + bytesOf(record), 0),
    )
    if (given) return { topic, partition, records, next, end, voids: 0 }
    const sifted = sift(stored.spec.append, records)
    this.counts.voids += sifted.voids
    if (sifted.damaged === undefined) return { topic, partition, records: sifted.records, next, end, voids: sifted.voids }
    if (sifted.damaged === records[0]!.offset) throw damaged(topic, partition, sifted.damaged)
    return { topic, partition, records: sifted.records, next: sifted.damaged, end, voids: sifted.voids }
  }
}
