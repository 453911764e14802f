/**
 * The clients of one log. A broker works on one request of a connection at a time, so what must not wait for the flush
 * of something else has a connection of its own: events, commands, and what passes by (replies, presence).
 */
import { Admin, type Base, type BaseOptions, Consumer, Producer } from '@platformatic/kafka'
import type { KafkaOptions } from '../open.js'
import { brokersOf, clientOptions, metadataMsMax, renew } from './client.js'
import { unavailable } from './failure.js'
import type { FetchClient } from './fetcher.js'
import { type WriteClient, withProducerId } from './sender.js'

const connections = { append: 4, durable: 4, passing: 1 } as const

export class Clients {
  /** For what changes the cluster. */
  readonly admin: Admin
  /** For what must be known of it at once. */
  readonly scout: Admin
  readonly live: FetchClient
  readonly catchUp: FetchClient
  /** Never repeat a request: the log decides what became of it. (The idempotent producer cannot be told not to.) */
  readonly append: WriteClient[]
  /** Idempotent: what the client repeats is in the log once. */
  readonly durable: WriteClient[]
  readonly passing: WriteClient[]

  constructor(
    private readonly url: string,
    options: KafkaOptions,
  ) {
    const common = (role: string) => clientOptions(url, options, role)
    const fetcher = (role: string): FetchClient => new Consumer({ ...common(role), groupId: role })
    const appender = () => new Producer({ ...common('append'), idempotent: false, repeatOnStaleMetadata: false })
    const producer = () => new Producer({ ...common('produce'), idempotent: true, retries: 2, repeatOnStaleMetadata: false })
    this.admin = new Admin(common('admin'))
    this.scout = new Admin({ ...common('scout'), requestTimeout: metadataMsMax })
    this.live = fetcher('live')
    this.catchUp = fetcher('catch-up')
    this.append = Array.from({ length: connections.append }, appender)
    this.durable = Array.from({ length: connections.durable }, producer)
    this.passing = Array.from({ length: connections.passing }, producer)
  }

  /** Connects them all, so that the first record does not pay for it. @throws RoomlogError `unavailable`. */
  async open(): Promise<void> {
    try {
      await Promise.all([this.admin, this.scout, ...this.routed()].map((client) => client.connectToBrokers()))
      await Promise.all([...this.durable, ...this.passing].map((client) => withProducerId(client)))
    } catch (error) {
      throw unavailable(`Kafka at ${brokersOf(this.url).join(', ')} does not answer`, error)
    }
  }

  /** Lets all that are routed by who leads a partition learn it anew. @param topics by Kafka's names. */
  renew(topics: string[]): void {
    for (const client of this.routed()) void renew(client, topics)
  }

  async close(): Promise<void> {
    const routed = [this.live, this.catchUp, ...this.append, ...this.durable, ...this.passing]
    await Promise.all(routed.map((client) => (client.close(true) as Promise<void>).catch(() => {})))
    for (const admin of [this.admin, this.scout]) await new Promise<void>((resolve) => admin.close(() => resolve()))
  }

  private routed(): Base<BaseOptions>[] {
    return [this.live, this.catchUp, ...this.append, ...this.durable, ...this.passing] as Base<BaseOptions>[]
  }
}
