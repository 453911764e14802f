/**
 * Follows the ends of all partitions that somebody in this process wants, with one long poll per broker.
 *
 * A partition has one place from which it is fetched, and listeners that stand there. Listeners join once they have
 * caught up by themselves; whoever is slow leaves and catches up again, so nobody holds up the others. A partition that
 * comes or goes waits for the running poll, hence its short wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { bounds } from '../bounds.js'
import { type Fetched, fetchedOf } from './fetched.js'
import { codes, type FetchClient, isLostSession, poll, type Wanted } from './fetcher.js'
import type { Topology } from './topology.js'

export interface Listener {
  /** Called in the order of the log, with what begins where the listener stands or before it. */
  fetched(fetched: Fetched): void
  /** The partition cannot be followed from here any more: catch up, or find out why not. */
  lost(): void
}

interface Place extends Wanted {
  listeners: Set<Listener>
}

/** How long a poll waits for records, and so how long a partition that comes waits for its first poll at worst. */
const pollMsMax = 50
const partitionBytesMax = bounds.tailBytesMax

export class Live {
  private readonly places = new Map<string, Place>()
  private readonly running = new Set<number>()
  private closed = false

  constructor(
    private readonly client: FetchClient,
    private readonly topology: Topology,
    private readonly appends: (topic: string) => boolean,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /**
   * Joins at `from`, which is the end as far as the listener knows.
   * @returns false where the partition is already followed from further on: catch up to it and try again.
   */
  join(topic: string, topicId: string, partition: number, from: number, listener: Listener): boolean {
    const key = `${topic}/${partition}`
    const place = this.places.get(key)
    if (place) {
      if (place.from > from) return false
      place.listeners.add(listener)
      return true
    }
    this.places.set(key, { topic, topicId, partition, from, bytesMax: partitionBytesMax, listeners: new Set([listener]) })
    this.wake(this.topology.leader(topic, partition))
    return true
  }

  leave(topic: string, partition: number, listener: Listener): void {
    const key = `${topic}/${partition}`
    const place = this.places.get(key)
    if (place?.listeners.delete(listener) && place.listeners.size === 0) this.places.delete(key)
  }

  close(): void {
    this.closed = true
    this.places.clear()
  }

  private wake(node: number | undefined): void {
    const runner = node ?? -1
    if (this.running.has(runner) || this.closed) return
    this.running.add(runner)
    void (node === undefined ? this.findLeaders() : this.run(node))
  }

  private async run(node: number): Promise<void> {
    let retryMs: number = bounds.retryMsMin
    for (;;) {
      const wanted = this.at(node)
      if (wanted.length === 0) break
      try {
        const answers = await poll(this.client, node, wanted, pollMsMax)
        let moved = false
        for (const { wanted: place, response, code } of answers) {
          if (code !== codes.none) moved = true
          if (code === codes.outOfRange) this.lose(place as Place)
          else if (code === codes.none && response) this.give(place as Place, response)
        }
        if (!moved) {
          retryMs = bounds.retryMsMin
          continue
        }
        await this.topology.refresh()
      } catch (error) {
        if (this.closed) break
        if (isLostSession(error)) continue
        this.onFailure(error as Error)
        await this.topology.refresh()
        this.wakeAll()
      }
      await delay(retryMs)
      retryMs = Math.min(retryMs * 2, bounds.retryMsMax)
    }
    this.running.delete(node)
    this.wakeAll()
  }

  private async findLeaders(): Promise<void> {
    while (!this.closed && this.at(undefined).length > 0) {
      await delay(bounds.retryMsMin * 5)
      await this.topology.refresh()
      this.wakeAll()
    }
    this.running.delete(-1)
  }

  private wakeAll(): void {
    for (const place of this.places.values()) this.wake(this.topology.leader(place.topic, place.partition))
  }

  private at(node: number | undefined): Place[] {
    const places: Place[] = []
    for (const place of this.places.values()) if (this.topology.leader(place.topic, place.partition) === node) places.push(place)
    return places
  }

  private give(place: Place, response: Parameters<typeof fetchedOf>[4]): void {
    if (this.places.get(`${place.topic}/${place.partition}`) !== place) return
    let fetched: Fetched
    try {
      fetched = fetchedOf(place.topic, place.partition, place.from, this.appends(place.topic), response)
    } catch {
      return this.lose(place)
    }
    if (fetched.failure) return this.lose(place)
    if (fetched.next === place.from) return
    place.from = fetched.next
    for (const listener of [...place.listeners]) listener.fetched(fetched)
  }

  private lose(place: Place): void {
    this.places.delete(`${place.topic}/${place.partition}`)
    for (const listener of place.listeners) listener.lost()
  }
}
