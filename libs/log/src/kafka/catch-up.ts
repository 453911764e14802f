/**
 * Reads that never wait for new records. All that wait for one broker go out together in the next fetch to it; what did
 * not fit into its answer goes out again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import { shortText } from './failure.js'
import { type Fetched, fetchedOf } from './fetched.js'
import { type Answer, codes, type FetchClient, fetchNow, type Wanted } from './fetcher.js'
import type { Topology } from './topology.js'

interface Read extends Wanted {
  deadline: number
  resolve(fetched: Fetched): void
  reject(error: Error): void
  failure?: string
}

/** How long a read is tried again after failures before it is `unavailable`. */
export const readMsMax = 15_000
/** Partitions of one fetch: with `readBytesMax` each, what one answer can hold twice over. */
const partitionsMax = 16

export class CatchUp {
  private readonly waiting = new Map<number, Read[]>()
  private readonly running = new Set<number>()
  private closed = false

  constructor(
    private readonly client: FetchClient,
    private readonly topology: Topology,
    private readonly appends: (topic: string) => boolean,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** @throws RoomlogError `out_of_range`, `unavailable`. */
  async read(topic: string, partition: number, from: number, bytesMax: number): Promise<Fetched> {
    const { id } = await this.topology.partition(topic, partition)
    return new Promise((resolve, reject) =>
      this.enqueue({ topic, topicId: id, partition, from, bytesMax, deadline: Date.now() + readMsMax, resolve, reject }),
    )
  }

  close(): void {
    this.closed = true
    for (const reads of this.waiting.values()) for (const read of reads) read.reject(closedError())
    this.waiting.clear()
  }

  private enqueue(read: Read): void {
    if (this.closed) return read.reject(closedError())
    const node = this.topology.leader(read.topic, read.partition)
    if (node === undefined) return this.again(read, 'no leader')
    const reads = this.waiting.get(node)
    if (reads) reads.push(read)
    else this.waiting.set(node, [read])
    if (this.running.has(node)) return
    this.running.add(node)
    queueMicrotask(() => void this.run(node))
  }

  private async run(node: number): Promise<void> {
    while (this.waiting.get(node)?.length) {
      const reads = take(this.waiting.get(node)!)
      try {
        for (const answer of await fetchNow(this.client, node, reads)) this.settle(answer, answer.wanted as Read)
      } catch (error) {
        if (this.closed) for (const read of reads) read.reject(closedError())
        else {
          this.onFailure(error as Error)
          for (const read of reads) this.again(read, shortText(error))
        }
      }
    }
    this.waiting.delete(node)
    this.running.delete(node)
  }

  private settle({ response, code }: Answer, read: Read): void {
    const { topic, partition, from } = read
    if (code === codes.outOfRange)
      return read.reject(new RoomlogError('out_of_range', `${topic}/${partition}: the log has no offset ${from}`))
    if (code !== codes.none) return this.again(read, `Kafka's code ${code}`)
    if (!response) return this.again(read, 'no answer')
    let fetched: Fetched
    try {
      fetched = fetchedOf(topic, partition, from, this.appends(topic), response)
    } catch (error) {
      return read.reject(
        new RoomlogError('damaged', `${topic}/${partition}: the batch at offset ${from} cannot be read: ${shortText(error)}`),
      )
    }
    if (fetched.next === from && fetched.next < fetched.end && !fetched.failure) return this.enqueue(read)
    read.resolve(fetched)
  }

  private again(read: Read, failure: string): void {
    if (this.closed) return read.reject(closedError())
    if (Date.now() > read.deadline)
      return read.reject(new RoomlogError('unavailable', `${read.topic}/${read.partition} cannot be read now: ${failure}`))
    void delay(bounds.retryMsMin * 5)
      .then(() => this.topology.refresh())
      .then(() => this.topology.topic(read.topic))
      .then(({ id }) => this.enqueue({ ...read, topicId: id, failure }), read.reject)
  }
}

/** The next of a fetch: each partition at most once, because a fetch can name it only once. */
function take(reads: Read[]): Read[] {
  const taken: Read[] = []
  const places = new Set<string>()
  for (let index = 0; index < reads.length && taken.length < partitionsMax; ) {
    const place = `${reads[index]!.topicId}/${reads[index]!.partition}`
    if (places.has(place)) index++
    else {
      places.add(place)
      taken.push(...reads.splice(index, 1))
    }
  }
  return taken
}

function closedError(): RoomlogError {
  return new RoomlogError('unavailable', 'the log is closed', { retriable: false })
}
