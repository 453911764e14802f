/**
 * What is known of the cluster: topic IDs, how many partitions, and who leads each. Learnt from metadata, and again
 * when a broker answers that it is not the leader; one question at a time, with a pause in between.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Base, BaseOptions } from '@platformatic/kafka'
import { RoomlogError } from '../failure.js'
import { unavailable } from './failure.js'

export interface KnownTopic {
  name: string
  id: string
  partitions: { leader: number; replicas: number[]; isr: number[] }[]
}

type Metadata = Base<BaseOptions>['metadata'] extends (options: any) => Promise<infer M> ? M : never

/** A second question within so long would get the same answer. */
const refreshMsMin = 50
/** Rotates over the brokers, so that one that hangs does not hide the cluster. */
const attempts = 3

export class Topology {
  private readonly known = new Map<string, KnownTopic>()
  private readonly names = new Map<string, string>()
  private refreshing?: Promise<void>
  private refreshedAt = 0
  private brokers = 0
  /** Called with Kafka's names of all known topics when a partition has another leader than before. */
  moved: (topics: string[]) => void = () => {}

  constructor(
    private readonly client: Base<BaseOptions>,
    private readonly prefix: string,
  ) {}

  /** Kafka's name of a topic. */
  physical(topic: string): string {
    return this.prefix + topic
  }

  /** @throws RoomlogError `unavailable` where the topic does not exist or nobody answers. */
  async topic(name: string): Promise<KnownTopic> {
    const known = this.known.get(name)
    if (known) return known
    await this.learn([name])
    return this.known.get(name)!
  }

  /** As `topic`, and that it has the partition. @throws RoomlogError `invalid` where it has not. */
  async partition(name: string, partition: number): Promise<KnownTopic> {
    const topic = this.known.get(name) ?? (await this.topic(name))
    if (!topic.partitions[partition])
      throw new RoomlogError('invalid', `${name} has ${topic.partitions.length} partitions: there is no partition ${partition}`)
    return topic
  }

  /** The node that leads, as far as is known; undefined while there is none. */
  leader(name: string, partition: number): number | undefined {
    const leader = this.known.get(name)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  name(topicId: string): string | undefined {
    return this.names.get(topicId)
  }

  /** How many brokers live now. @throws RoomlogError `unavailable`. */
  async size(): Promise<number> {
    await this.learn([...this.known.keys()])
    return this.brokers
  }

  /** Asks anew about all known topics. Never throws: who still misses something asks again. */
  async refresh(): Promise<void> {
    this.refreshing ??= (async () => {
      const pause = this.refreshedAt + refreshMsMin - Date.now()
      if (pause > 0) await delay(pause)
      await this.learn([...this.known.keys()]).catch(() => {})
      this.refreshedAt = Date.now()
      this.refreshing = undefined
    })()
    return this.refreshing
  }

  private async learn(names: string[]): Promise<void> {
    let metadata: Metadata
    try {
      metadata = (await this.client.metadata({
        topics: names.map((name) => this.physical(name)),
        forceUpdate: true,
        retries: attempts,
      })) as Metadata
    } catch (error) {
      if (/^Unknown topic/.test((error as Error).message))
        throw new RoomlogError('unavailable', `there is no topic ${names.join(', ')}: prepare() creates it`)
      throw unavailable('Kafka does not answer', error)
    }
    this.brokers = metadata.brokers.size
    let moved = false
    for (const name of names) {
      const topic = metadata.topics.get(this.physical(name))
      if (!topic) continue
      const partitions = topic.partitions.map(({ leader, replicas, isr }) => ({ leader, replicas, isr }))
      const before = this.known.get(name)?.partitions
      moved ||= before?.some(({ leader }, index) => leader !== partitions[index]?.leader) ?? false
      this.known.set(name, { name, id: topic.id, partitions })
      this.names.set(topic.id, name)
    }
    if (moved) this.moved([...this.known.keys()].map((name) => this.physical(name)))
  }
}
