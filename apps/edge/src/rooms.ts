/**
 * The rooms and feeds of this edge: each exists while somebody here needs it, and a linger longer, so that a client
 * that reconnects finds them running.
 */
import { partitionOf } from '@roomlog/log'
import { eventsTopic, familyOf } from '@roomlog/protocol'
import type { Chunks } from './chunks.js'
import { Feed, type FeedOptions } from './feed.js'
import type { Clock, EventLog, History } from './ports.js'
import { type Attendance, Room } from './room.js'

export interface RoomsOptions extends FeedOptions {
  /** How long a feed without rooms, and a room without subscribers, is kept. */
  lingerMs: number
  attendance?: Attendance
}

interface Held<T> {
  value: Promise<T>
  uses: number
  linger?: { cancel(): void }
}

export class Rooms {
  private readonly feeds = new Map<string, Held<Feed>>()
  private readonly rooms = new Map<string, Held<Room>>()

  constructor(
    private readonly log: EventLog,
    private readonly history: History,
    private readonly chunks: Chunks,
    private readonly clock: Clock,
    private readonly options: RoomsOptions,
  ) {}

  get feedCount(): number {
    return this.feeds.size
  }

  get partitionCount(): number {
    return this.log.partitions
  }

  /** Partitions of rooms that are followed now. */
  partitions(): number[] {
    const prefix = `${eventsTopic('room')}/`
    return [...this.feeds.keys()].filter((key) => key.startsWith(prefix)).map((key) => Number(key.slice(prefix.length)))
  }

  /** The room, followed from now on; every `take` needs one `release`. @throws what the log throws. */
  take(id: string): Promise<Room> {
    return this.hold(this.rooms, id, () => this.openRoom(id))
  }

  /** The feed of a room's partition, running for at least a linger from now. */
  async feedOfRoom(id: string): Promise<Feed> {
    return this.feed(eventsTopic(familyOf(id)), partitionOf(id, this.log.partitions))
  }

  /** The feed of a partition of rooms. */
  async feedOf(partition: number): Promise<Feed> {
    return this.feed(eventsTopic('room'), partition)
  }

  release(id: string): void {
    this.drop(this.rooms, id, (room) => {
      room.feed.rooms.delete(id)
      this.releaseFeed(room.feed)
    })
  }

  async close(): Promise<void> {
    const feeds = [...this.feeds.values()]
    for (const held of [...feeds, ...this.rooms.values()]) held.linger?.cancel()
    this.feeds.clear()
    this.rooms.clear()
    for (const { value } of feeds) await value.then((feed) => feed.close()).catch(() => {})
  }

  private async openRoom(id: string): Promise<Room> {
    const topic = eventsTopic(familyOf(id))
    const partition = partitionOf(id, this.log.partitions)
    const feed = await this.hold(this.feeds, `${topic}/${partition}`, () => Feed.open(topic, partition, this.log, this.options))
    const room = new Room(id, feed, this.log, this.history, this.chunks, this.options.attendance)
    feed.rooms.set(id, room)
    return room
  }

  private async feed(topic: string, partition: number): Promise<Feed> {
    const feed = await this.hold(this.feeds, `${topic}/${partition}`, () => Feed.open(topic, partition, this.log, this.options))
    this.releaseFeed(feed)
    return feed
  }

  private releaseFeed(feed: Feed): void {
    this.drop(
      this.feeds,
      `${feed.topic}/${feed.partition}`,
      (closed) => void closed.close().catch((error) => this.options.onFailure?.(error)),
    )
  }

  private hold<T>(map: Map<string, Held<T>>, key: string, open: () => Promise<T>): Promise<T> {
    let held = map.get(key)
    if (!held) {
      const opened: Held<T> = { value: open(), uses: 0 }
      map.set(key, (held = opened))
      // One that could not be opened is forgotten, so that the next one who asks tries again.
      opened.value.catch(() => {
        if (map.get(key) === opened) map.delete(key)
      })
    }
    held.uses++
    held.linger?.cancel()
    delete held.linger
    return held.value
  }

  private drop<T>(map: Map<string, Held<T>>, key: string, close: (value: T) => void): void {
    const held = map.get(key)
    if (!held || --held.uses > 0) return
    held.linger = this.clock.after(this.options.lingerMs, () => {
      if (held.uses > 0 || map.get(key) !== held) return
      map.delete(key)
      void held.value.then(close, () => {})
    })
  }
}
