/**
 * The log on Kafka. Readers need no consumer group; the log itself decides who may append: a record counts only where
 * its header `offset` says, and the broker's answer says where it stands.
 */
import { type TopicSpec, topics } from '@roomlog/protocol'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { OpenOptions } from '../open.js'
import type {
  Appended,
  Batch,
  Claim,
  ClaimHandlers,
  Conflict,
  Log,
  LogStats,
  Preparation,
  RecordDraft,
  Tail,
  TailOptions,
  TopicReport,
} from '../port.js'
import { seal, sealAppend } from '../record.js'
import { Counts } from '../stats.js'
import { traced } from '../trace.js'
import { checkTrim } from '../trim.js'
import { CatchUp } from './catch-up.js'
import { claimPartitions, coPartitioned } from './claim.js'
import { brokersOf } from './client.js'
import { Clients } from './clients.js'
import { unavailable } from './failure.js'
import { batchOf, type Fetched } from './fetched.js'
import { Live } from './live.js'
import { inspect, type Preparing, prepare } from './prepare.js'
import { Sender } from './sender.js'
import { KafkaTail, type Sources } from './tail.js'
import { Topology } from './topology.js'
import { deleteRecords } from './trim.js'

const earliest = -2n
const latest = -1n

export class KafkaLog implements Log, Sources {
  readonly partitions: number
  readonly topology: Topology
  readonly catchUp: CatchUp
  readonly live: Live
  private readonly clients: Clients
  private readonly appender: Sender
  private readonly producer: Sender
  private readonly courier: Sender
  private readonly tails = new Set<KafkaTail>()
  private readonly claims = new Set<Claim>()
  private readonly counts = new Counts()
  private readonly specs = new Map<string, TopicSpec>(topics.map((spec) => [spec.name, spec]))
  private closed?: Promise<void>

  constructor(
    readonly url: string,
    private readonly options: OpenOptions,
  ) {
    this.partitions = options.partitions
    const onFailure = (error: Error) => {
      this.counts.reconnects++
      options.onFailure?.(unavailable('Kafka', error))
    }
    const clients = new Clients(url, options.kafka ?? {})
    this.clients = clients
    this.topology = new Topology(clients.scout, options.topicPrefix ?? '')
    this.topology.moved = (names) => clients.renew(names)
    const appends = (topic: string) => this.appends(topic)
    this.live = new Live(clients.live, this.topology, appends, onFailure)
    this.catchUp = new CatchUp(clients.catchUp, this.topology, appends, onFailure)
    this.appender = new Sender(clients.append, this.topology, { merge: false, onFailure })
    this.producer = new Sender(clients.durable, this.topology, { merge: true, onFailure })
    this.courier = new Sender(clients.passing, this.topology, { merge: true, onFailure })
  }

  /** Connects every client. @throws RoomlogError `unavailable`. */
  async open(): Promise<this> {
    try {
      await this.clients.open()
      return this
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async append(topic: string, partition: number, expectedEnd: number, records: RecordDraft[]): Promise<Appended | Conflict> {
    this.opened()
    if (!this.appends(topic)) throw new RoomlogError('invalid', `${topic} is not an append topic: use produce`)
    const baseOffset = await traced(topic, partition, records, (drafts) =>
      this.appender.write(topic, partition, sealAppend(topic, expectedEnd, drafts)),
    )
    if (baseOffset === expectedEnd) return { appended: true, baseOffset }
    this.counts.conflicts++
    return { appended: false }
  }

  async produce(topic: string, partition: number, records: RecordDraft[]): Promise<{ baseOffset: number }> {
    this.opened()
    if (this.appends(topic)) throw new RoomlogError('invalid', `${topic} is an append topic: use append`)
    if (records.length === 0) return { baseOffset: (await this.range(topic, partition)).end }
    const sealed = (drafts: readonly RecordDraft[]) => drafts.map((draft) => seal(draft))
    return { baseOffset: await traced(topic, partition, records, (drafts) => this.senderOf(topic).write(topic, partition, sealed(drafts))) }
  }

  async read(topic: string, partition: number, from: number, options: { bytesMax?: number; signal?: AbortSignal } = {}): Promise<Batch> {
    this.opened()
    options.signal?.throwIfAborted()
    const fetched = await this.catchUp.read(topic, partition, from, options.bytesMax ?? bounds.readBytesMax)
    options.signal?.throwIfAborted()
    this.counted(topic, partition, fetched)
    if (fetched.failure && fetched.next === from) throw fetched.failure
    return batchOf(topic, partition, fetched)
  }

  tail(topic: string, partition: number, from: number, onBatch: (batch: Batch) => void | Promise<void>, options: TailOptions = {}): Tail {
    this.opened()
    const tail = new KafkaTail(this, topic, partition, from, onBatch, options)
    this.tails.add(tail)
    void tail.ended.then(() => this.tails.delete(tail))
    return tail
  }

  async range(topic: string, partition: number): Promise<{ start: number; end: number }> {
    this.opened()
    await this.topology.partition(topic, partition)
    const [start, end] = await Promise.all([this.offset(topic, partition, earliest), this.offset(topic, partition, latest)])
    return { start, end }
  }

  async trim(topic: string, partition: number, before: number): Promise<{ start: number }> {
    const { start, end } = await this.range(topic, partition)
    checkTrim({ topic, partition, append: this.appends(topic) }, before, end)
    if (before > start) await deleteRecords(this.clients.admin, this.topology.physical(topic), partition, before)
    return { start: await this.start(topic, partition) }
  }

  async start(topic: string, partition: number): Promise<number> {
    return this.offset(topic, partition, earliest)
  }

  async claim(group: string, topics: string[], handlers: ClaimHandlers): Promise<Claim> {
    this.opened()
    coPartitioned(await Promise.all(topics.map((topic) => this.topology.topic(topic))))
    const physical = this.topology.physical(topics[0]!)
    const claimed = {
      url: this.url,
      options: this.options.kafka ?? {},
      group: this.topology.physical(group),
      topic: physical,
      onFailure: (error: Error) => this.options.onFailure?.(unavailable(`The group ${group}`, error)),
      onClosed: (closed: Claim) => void this.claims.delete(closed),
    }
    const claim = await claimPartitions(claimed, handlers).catch((error) => {
      throw unavailable(`The group ${group} cannot be joined`, error)
    })
    this.claims.add(claim)
    return claim
  }

  async topicId(topic: string): Promise<string> {
    this.opened()
    return (await this.topology.topic(topic)).id
  }

  async prepare(specs: readonly TopicSpec[], durability: 'strict' | 'relaxed'): Promise<Preparation> {
    this.opened()
    for (const spec of specs) this.specs.set(spec.name, spec)
    return prepare(this.preparing(), specs, durability)
  }

  async inspect(specs: readonly TopicSpec[]): Promise<TopicReport[]> {
    this.opened()
    return inspect(this.preparing(), specs)
  }

  stats(): LogStats {
    return this.counts.read()
  }

  counted(topic: string, partition: number, { bytes, voids }: Fetched): void {
    this.counts.fetched(topic, partition, bytes)
    this.counts.voids += voids
  }

  close(): Promise<void> {
    this.closed ??= (async () => {
      await Promise.all([...this.claims].map((claim) => claim.release()))
      await Promise.all([...this.tails].map((tail) => tail.stop()))
      this.live.close()
      this.catchUp.close()
      await Promise.all([this.appender.close(), this.producer.close(), this.courier.close()])
      await this.clients.close()
    })()
    return this.closed
  }

  private appends(topic: string): boolean {
    return this.specs.get(topic)?.append ?? false
  }

  private senderOf(topic: string): Sender {
    return this.specs.get(topic)?.durable ? this.producer : this.courier
  }

  private preparing(): Preparing {
    return { admin: this.clients.admin, topology: this.topology, partitions: this.partitions, broker: brokersOf(this.url)[0]! }
  }

  private opened(): void {
    if (this.closed) throw new RoomlogError('unavailable', `the log ${this.url} is closed`, { retriable: false })
  }

  private async offset(topic: string, partition: number, timestamp: bigint): Promise<number> {
    const name = this.topology.physical(topic)
    try {
      const offsets = await this.clients.catchUp.listOffsets({
        topics: [name],
        partitions: { [name]: [partition] },
        timestamp,
        isolationLevel: 0,
      })
      return Number(offsets.get(name)![partition]!)
    } catch (error) {
      throw unavailable(`${topic}/${partition} cannot be asked for its range`, error)
    }
  }
}
