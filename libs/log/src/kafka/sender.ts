/**
 * Writes to partitions. What waits while a request is under way goes out together with the next one: group commit, also
 * over partitions. One batch of a partition is under way at a time, so order is that of the calls.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type MessageToProduce, ProduceAcks, type Producer } from '@platformatic/kafka'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import { bytesOf, type Sealed } from '../record.js'
import { renew } from './client.js'
import { kafkaCodes, shortText } from './failure.js'
import { type Outcome, outcomesOf } from './outcome.js'
import type { Topology } from './topology.js'

export type WriteClient = Producer<Buffer, Buffer, Buffer, Buffer>

interface Write {
  records: readonly Sealed[]
  bytes: number
  resolve(baseOffset: number): void
  reject(error: Error): void
}

interface Queue {
  topic: string
  partition: number
  writes: Write[]
  busy: boolean
}

export interface SenderOptions {
  /** Puts several waiting writes into one batch of the partition. Never for appends: each is an atomic batch of its own. */
  merge: boolean
  onFailure(error: Error): void
}

/**
 * Partitions of one request, unless fewer connections are free than that leaves to do: a broker works through a request
 * partition by partition, and where each is flushed that is what it waits for. Several connections flush side by side.
 */
const partitionsMin = 4
/** Bytes of one request over all partitions. */
const requestBytesMax = 8 * bounds.appendBytesMax
/** How long something that was certainly not written is tried again. */
const writeMsMax = 8_000
const startMsMax = 30_000

export class Sender {
  private readonly queues = new Map<string, Queue>()
  private readonly ready = new Set<Queue>()
  private waitingBytes = 0
  private readonly free: WriteClient[]
  private scheduled = false
  private closed = false
  private idle: (() => void)[] = []

  constructor(
    /** Each carries one request at a time. */
    private readonly clients: readonly WriteClient[],
    private readonly topology: Topology,
    private readonly options: SenderOptions,
  ) {
    this.free = [...clients]
  }

  /** @throws RoomlogError `unavailable` (certainly not written), `unknown`, `invalid`. */
  async write(topic: string, partition: number, records: readonly Sealed[]): Promise<number> {
    await this.topology.partition(topic, partition)
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0)
    if (this.closed) throw new RoomlogError('unavailable', 'the log is closed', { retriable: false })
    if (this.waitingBytes + bytes > bounds.produceBytesMax)
      throw new RoomlogError('unavailable', `more than ${bounds.produceBytesMax} bytes wait to be written`)
    this.waitingBytes += bytes
    return new Promise((resolve, reject) => {
      const queue = this.queue(topic, partition)
      queue.writes.push({ records, bytes, resolve, reject })
      if (!queue.busy) this.ready.add(queue)
      this.schedule()
    })
  }

  /** Resolves when nothing is under way. What still waits is `unavailable`. */
  async close(): Promise<void> {
    this.closed = true
    for (const queue of this.ready)
      for (const write of queue.writes.splice(0)) write.reject(new RoomlogError('unavailable', 'the log is closed', { retriable: false }))
    this.ready.clear()
    if (this.free.length < this.clients.length) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  private queue(topic: string, partition: number): Queue {
    const key = `${topic}/${partition}`
    let queue = this.queues.get(key)
    if (!queue) this.queues.set(key, (queue = { topic, partition, writes: [], busy: false }))
    return queue
  }

  private schedule(): void {
    if (this.scheduled || this.free.length === 0) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      while (this.ready.size > 0 && this.free.length > 0) void this.send(this.free.pop()!, this.take())
    })
  }

  private take(): [Queue, Write[]][] {
    const taken: [Queue, Write[]][] = []
    const partitionsMax = Math.max(partitionsMin, Math.ceil(this.ready.size / (this.free.length + 1)))
    let bytes = 0
    for (const queue of this.ready) {
      if (bytes >= requestBytesMax || taken.length >= partitionsMax) break
      this.ready.delete(queue)
      queue.busy = true
      const writes = [queue.writes.shift()!]
      let batch = writes[0]!.bytes
      while (this.options.merge && queue.writes.length > 0 && batch + queue.writes[0]!.bytes <= bounds.appendBytesMax) {
        batch += queue.writes[0]!.bytes
        writes.push(queue.writes.shift()!)
      }
      bytes += batch
      taken.push([queue, writes])
    }
    return taken
  }

  private async send(client: WriteClient, batches: [Queue, Write[]][]): Promise<void> {
    let left = batches
    const deadline = Date.now() + writeMsMax
    for (let retryMs: number = bounds.retryMsMin; left.length > 0; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
      const outcomes = await this.attempt(client, left)
      const again: [Queue, Write[]][] = []
      let failure: unknown
      for (const batch of left) {
        const outcome = outcomes.get(`${this.topology.physical(batch[0].topic)}/${batch[0].partition}`)!
        if ('error' in outcome) failure = outcome.error
        if ('error' in outcome && outcome.written === 'no' && !this.closed && Date.now() < deadline) again.push(batch)
        else this.settle(batch, outcome)
      }
      left = again
      if (failure === undefined) break
      this.options.onFailure(failure as Error)
      await this.topology.refresh()
      await renew(client, [...new Set(batches.map(([{ topic }]) => this.topology.physical(topic)))])
      if (left.length > 0) await delay(retryMs)
    }
    this.free.push(client)
    if (this.free.length === this.clients.length) for (const resolve of this.idle.splice(0)) resolve()
    this.schedule()
  }

  private async attempt(client: WriteClient, batches: [Queue, Write[]][]): Promise<Map<string, Outcome>> {
    const places = batches.map(([{ topic, partition }]) => ({ topic: this.topology.physical(topic), partition }))
    try {
      if (!client.isConnected()) await client.connectToBrokers()
    } catch (error) {
      return new Map(places.map(({ topic, partition }) => [`${topic}/${partition}`, { written: 'no', error }]))
    }
    const messages: MessageToProduce<Buffer, Buffer, Buffer, Buffer>[] = []
    batches.forEach(([, writes], index) => {
      for (const { records } of writes) for (const record of records) messages.push(messageOf(places[index]!, record))
    })
    try {
      // Said here: a plain producer takes no notice of the `acks` that it was created with, and would ask its leader only.
      const { offsets } = await client.send({ messages, acks: ProduceAcks.ALL })
      return outcomesOf(places, offsets ?? [], undefined)
    } catch (error) {
      return outcomesOf(places, (error as { produced?: { offsets?: [] } }).produced?.offsets ?? [], error)
    }
  }

  private settle([queue, writes]: [Queue, Write[]], outcome: Outcome): void {
    let baseOffset = 'baseOffset' in outcome ? outcome.baseOffset : 0
    for (const write of writes) {
      this.waitingBytes -= write.bytes
      if ('error' in outcome) write.reject(failureOf(queue, outcome))
      else write.resolve(baseOffset)
      baseOffset += write.records.length
    }
    queue.busy = false
    if (queue.writes.length > 0) this.ready.add(queue)
    else this.queues.delete(`${queue.topic}/${queue.partition}`)
  }
}

/** Gets the idempotent producer's ID now, and waits for a cluster that has just started and cannot give one yet. */
export async function withProducerId(client: WriteClient): Promise<void> {
  const deadline = Date.now() + startMsMax
  for (let retryMs: number = bounds.retryMsMin * 5; ; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
    try {
      return void (await client.initIdempotentProducer({}))
    } catch (error) {
      if (kafkaCodes(error).size === 0 || Date.now() > deadline) throw error
      await delay(retryMs)
    }
  }
}

function failureOf({ topic, partition }: Queue, { written, error }: Extract<Outcome, { error: unknown }>): RoomlogError {
  const code = written === 'never' ? 'invalid' : written === 'no' ? 'unavailable' : 'unknown'
  return new RoomlogError(code, `${topic}/${partition} was ${written === 'unknown' ? 'perhaps not' : 'not'} written: ${shortText(error)}`)
}

function messageOf(place: { topic: string; partition: number }, record: Sealed): MessageToProduce<Buffer, Buffer, Buffer, Buffer> {
  const headers = new Map<Buffer, Buffer>()
  for (const name in record.headers) headers.set(Buffer.from(name), Buffer.from(record.headers[name]!))
  return { ...place, key: record.key === null ? undefined : Buffer.from(record.key), value: record.value ?? undefined, headers }
}
