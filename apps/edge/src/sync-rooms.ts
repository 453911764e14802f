/**
 * The rooms of a sync: each with where the client stands in it, opened a few at a time, live or reading on.
 */
import type { Access } from './access.js'
import { seqBelow } from './composite.js'
import type { EdgeParts, Principal } from './edge.js'
import type { Wanted } from './filter.js'
import type { Sink } from './ports.js'
import type { RoomRecord } from './record.js'
import type { Cursor } from './replay.js'
import type { Room } from './room.js'
import { Subscription } from './subscription.js'
import type { Proof } from './ticket.js'

export interface SyncRoom {
  /** Where the client stands: the last `seq`, or an offset that covers everything below; neither = the tail. */
  start: { seq?: number; offset?: number }
  room?: Room
  subscription?: Subscription
  /** The `seq` of its end, where it is over. */
  endedAt?: number
  /** The inbox has said that it was left there; it is not read so far yet. */
  left?: { seq: number; reason: string }
  /** Counted until it is live, or over, for the first time. */
  awaited: boolean
}

export interface SyncRoomsOptions {
  edge: EdgeParts
  sink: Sink
  principal: Principal
  wanted: Wanted
  /** Of a ticket, by room. */
  proofs?: ReadonlyMap<string, Proof>
  /** Whether events of the room are delivered at all. */
  includes(room: string): boolean
  /** A room has become live, is over, or is gone. */
  onChange(): void
  onRenew(): void
}

/** What a composite says of the rooms. */
export interface Coverage {
  partitions: [partition: number, epoch: string, offset: number][]
  behind: [room: string, seq: number][]
}

export class SyncRooms {
  private readonly rooms = new Map<string, SyncRoom>()
  private over = false
  private opening = 0
  private readonly queue: (() => void)[] = []

  constructor(private readonly options: SyncRoomsOptions) {}

  get size(): number {
    return this.rooms.size
  }

  get(id: string): SyncRoom | undefined {
    return this.rooms.get(id)
  }

  set(id: string, start: SyncRoom['start'], awaited: boolean): void {
    this.rooms.set(id, { start, awaited })
  }

  clear(): void {
    for (const id of [...this.rooms.keys()]) this.forget(id)
  }

  /** Opens all that are not open yet; those at the tail wait for `start`. */
  openAll(): Promise<unknown> {
    return Promise.all([...this.rooms.keys()].map((id) => this.open(id)))
  }

  startAll(): void {
    for (const { subscription } of this.rooms.values()) subscription?.start()
  }

  /** Opens a room; tries again until it can be read, for a room must not be skipped. */
  async open(id: string): Promise<void> {
    const room = this.rooms.get(id)
    if (!room || !this.options.includes(id)) return
    const { edge } = this.options
    if (this.opening >= openingMax) await new Promise<void>((resolve) => this.queue.push(resolve))
    this.opening++
    for (let retryMs = retryMsMin; this.wants(id, room); retryMs = Math.min(retryMs * 2, retryMsMax)) {
      try {
        await this.openNow(id, room)
        break
      } catch (error) {
        edge.onFailure(error, 'sync')
        await new Promise<void>((resolve) => edge.clock.after(retryMs, resolve))
      }
    }
    this.opening--
    this.queue.shift()?.()
    if (room.start.seq !== undefined || room.start.offset !== undefined) room.subscription?.start()
  }

  /** A subscription that is part of the sync; also that of the inbox. */
  subscribe(room: Room, access: Access, cursor: Cursor, wanted: Wanted, onRecord?: (record: RoomRecord) => void): Subscription {
    const { edge, sink, principal } = this.options
    edge.counts.subscriptionState('behind', undefined)
    return new Subscription(
      {
        room,
        access,
        viewer: { user: principal.user, device: principal.device, byRight: false },
        wanted,
        sink,
        replay: edge.replay,
        clock: edge.clock,
        quiet: true,
        onRecord,
        onEnd: (subscription) => this.ended(room.id, subscription),
        onRenew: this.options.onRenew,
        onState: (state, before) => {
          edge.counts.subscriptionState(state, before)
          if (state === 'live') this.arrived(room.id)
        },
        onReplay: edge.counts.replayed,
        onFailure: (error) => edge.onFailure(error, 'subscription'),
      },
      cursor,
    )
  }

  forget(id: string): void {
    const room = this.rooms.get(id)
    if (!room) return
    this.rooms.delete(id)
    if (!room.subscription) return
    room.subscription.close()
    room.subscription.room.releaseAccess(room.subscription.access)
    this.options.edge.rooms.release(id)
  }

  close(): void {
    this.over = true
    this.clear()
  }

  /** Whether every room that there was at the start has been read to its tail once. */
  get settled(): boolean {
    for (const [id, { awaited }] of this.rooms) if (awaited && this.options.includes(id)) return false
    return true
  }

  /** How far the rooms are covered; undefined while a room is not open yet, or was left and not read to there. */
  coverage(): Coverage | undefined {
    const partitions = new Map<number, Coverage['partitions'][number]>()
    const behind: Coverage['behind'] = []
    for (const [id, { room, subscription, endedAt, left }] of this.rooms) {
      if (left) return undefined
      if (!this.options.includes(id)) continue
      if (!room || !subscription) return undefined
      const { partition, epoch, next } = room.feed
      partitions.set(partition, [partition, epoch, next])
      // One that is over, but not left by the inbox yet: who comes back in between is not skipped.
      if (endedAt !== undefined) behind.push([id, endedAt])
      else if (subscription.state !== 'live') behind.push([id, subscription.seq])
    }
    return { partitions: [...partitions.values()], behind }
  }

  /** What is proven of the rooms that are live; undefined while one was left and is not read to there. */
  proofs(): Proof[] | undefined {
    const proofs: Proof[] = []
    for (const { room, subscription, left } of this.rooms.values()) {
      if (left) return undefined
      const proof = subscription?.state === 'ended' ? undefined : room?.proofOf(subscription!.access)
      if (proof) proofs.push(proof)
    }
    return proofs
  }

  private async openNow(id: string, of: SyncRoom): Promise<void> {
    const { edge, principal, wanted } = this.options
    const room = await edge.rooms.take(id)
    let access: Access | undefined
    try {
      access = await room.accessOf(principal.user, this.options.proofs?.get(id))
      const { seq, offset } = of.start
      const from = seq ?? (offset === undefined ? room.tail.seq : await seqBelow(room, offset, edge))
      if (!this.wants(id, of)) throw new Error('no longer wanted')
      of.room = room
      const cursor = {
        seq: Math.min(from, room.tail.seq),
        offset: seq === undefined ? (offset ?? room.feed.next) : undefined,
        logBudget: 0,
      }
      of.subscription = this.subscribe(room, access, cursor, wanted)
      if (of.left) of.subscription.endAt(of.left.reason, of.left.seq)
    } catch (error) {
      if (access) room.releaseAccess(access)
      edge.rooms.release(id)
      if (this.wants(id, of)) throw error
    }
  }

  private wants(id: string, room: SyncRoom): boolean {
    return !this.over && this.rooms.get(id) === room
  }

  private arrived(id: string): void {
    const room = this.rooms.get(id)
    if (room) room.awaited = false
    this.options.onChange()
  }

  private ended(id: string, subscription: Subscription): void {
    const room = this.rooms.get(id)
    if (room?.subscription !== subscription) return
    room.endedAt = subscription.seq
    if (room.left) this.forget(id)
    this.arrived(id)
  }
}

/** Rooms of one sync that are opened at once. */
const openingMax = 16
const retryMsMin = 100
const retryMsMax = 5_000
