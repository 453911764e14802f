/**
 * All rooms of a user and their inbox as one subscription: one cursor per room, one composite position.
 *
 * The inbox decides which rooms there are. It is read in order; a join starts a room at that join, a leave ends it at that
 * leave. A composite names the inbox position, so it may be given only when everything that the inbox has said up to there
 * has been done: while a room that was left has not been read to its end, none is given. A room that is over, but not yet
 * left by the inbox, is named with the `seq` of its end, so that a return in between is not skipped.
 */
import { compositePosition } from '@roomlog/log'
import { type Filter, type WireError, wireError } from '@roomlog/protocol'
import type { Access } from './access.js'
import { coveredTo, seqBelow, type SyncStart, syncStart } from './composite.js'
import type { EdgeParts, Principal } from './edge.js'
import { compileFilter, type Wanted } from './filter.js'
import { inboxChange, roomsAt } from './inbox.js'
import type { Sink } from './ports.js'
import type { RoomRecord } from './record.js'
import type { Cursor } from './replay.js'
import type { Room } from './room.js'
import { startOf } from './start.js'
import { Subscription } from './subscription.js'

export interface SyncInput {
  positions: string[]
  filter?: Filter
}

interface Member {
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

type Answer = { ok: object } | { error: WireError }

export class Sync {
  private readonly members = new Map<string, Member>()
  private readonly wanted: Wanted
  private inbox: { room: Room; access: Access; subscription?: Subscription; position: string } | undefined
  private newest: SyncStart['newest'] = new Map()
  private over = false
  private announced = false
  private given = ''
  private timer: { cancel(): void } | undefined
  private opening = 0
  private readonly queue: (() => void)[] = []

  constructor(
    private readonly edge: EdgeParts,
    private readonly sink: Sink,
    private readonly principal: Principal,
    private readonly input: SyncInput,
  ) {
    this.wanted = compileFilter(input.filter)
  }

  get size(): number {
    return this.members.size + 1
  }

  /** Answers before the first event. */
  async open(reply: (answer: Answer) => void): Promise<void> {
    try {
      await this.begin(reply)
    } catch (error) {
      this.edge.onFailure(error, 'sync')
      reply({ error: wireError('unavailable', 'the inbox cannot be read now') })
      this.close()
    }
  }

  close(): void {
    if (this.over) return
    this.over = true
    this.timer?.cancel()
    for (const [id, member] of this.members) this.drop(id, member)
    const { inbox } = this
    if (!inbox) return
    inbox.subscription?.close()
    inbox.room.releaseAccess(inbox.access)
    this.edge.rooms.release(inbox.room.id)
  }

  /** The composite position, or undefined while none may be given. */
  position(): string | undefined {
    if (!this.inbox) return undefined
    const partitions = new Map<number, [number, string, number]>()
    const behind: [string, number][] = []
    for (const [id, { room, subscription, endedAt, left }] of this.members) {
      if (left) return undefined
      if (!this.includes(id)) continue
      if (!room || (!subscription && endedAt === undefined)) return undefined
      const { partition, epoch, next } = room.feed
      partitions.set(partition, [partition, epoch, next])
      if (endedAt !== undefined) behind.push([id, endedAt])
      else if (subscription!.state !== 'live') behind.push([id, subscription!.seq])
    }
    const position = compositePosition({ inbox: this.inbox.position, partitions: [...partitions.values()], behind })
    return position.length <= positionLengthMax ? position : undefined
  }

  private async begin(reply: (answer: Answer) => void): Promise<void> {
    const { edge, principal, input } = this
    const id = `@${principal.user}`
    const room = await edge.rooms.take(id)
    const access = await room.accessOf(principal.user).catch((error) => {
      edge.rooms.release(id)
      throw error
    })
    this.inbox = { room, access, position: room.tailPosition }
    const started = input.positions.length > 0 ? await syncStart(input.positions, room, edge) : undefined
    if (started && 'invalid' in started) {
      reply({ error: wireError('invalid', started.invalid, { field: 'position' }) })
      return this.close()
    }
    if (!started) return this.beginAtTail(room, reply)
    const reset = 'reset' in started ? started.reset : await this.resume(started, room, reply)
    if (reset === undefined) return
    edge.counts.reset(reset)
    await this.beginAtTail(room, reply)
    this.sink.send(JSON.stringify({ reset: { reason: reset, position: this.position() } }))
  }

  private async resume(start: SyncStart, inbox: Room, reply: (answer: Answer) => void): Promise<string | undefined> {
    const { composite, newest } = start
    const at = await startOf(inbox, { position: composite.inbox }, this.edge)
    if (at === 'tail' || 'invalid' in at) return 'unknown_position'
    if ('reset' in at) return at.reset
    const behind = new Map(composite.behind)
    for (const [id] of await roomsAt(inbox, at.cursor.seq, this.edge)) {
      const feed = await this.edge.rooms.feedOfRoom(id)
      const offset = coveredTo(composite, feed)
      if (typeof offset === 'object') return offset.reset
      const seq = newest.get(id)?.seq ?? behind.get(id)
      if (seq === undefined && offset === undefined) return 'unknown_position'
      this.members.set(id, { start: seq === undefined ? { offset } : { seq }, awaited: true })
    }
    this.newest = newest
    this.inbox!.position = composite.inbox
    reply({ ok: { rooms: this.members.size } })
    this.follow(inbox, at.cursor, newest.get(inbox.id)?.seq ?? 0)
    for (const [id, member] of this.members) this.enqueue(id, member)
    this.settle()
    return undefined
  }

  private async beginAtTail(inbox: Room, reply: (answer: Answer) => void): Promise<void> {
    this.members.clear()
    const cursor = { seq: inbox.tail.seq, offset: inbox.feed.next, logBudget: 0 }
    this.inbox!.position = inbox.tailPosition
    for (const [id] of await roomsAt(inbox, cursor.seq, this.edge)) this.members.set(id, { start: {}, awaited: true })
    await Promise.all([...this.members].map(([id, member]) => this.enqueue(id, member)))
    if (this.over) return
    reply({ ok: { rooms: this.members.size, position: this.position() } })
    this.follow(inbox, cursor, 0)
    for (const { subscription } of this.members.values()) subscription?.start()
    this.settle()
  }

  /** The inbox from the cursor on; events up to `known` are the client's already and only obeyed. */
  private follow(room: Room, cursor: Cursor, known: number): void {
    const wanted: Wanted = { ...this.wanted, plain: false, accepts: (record) => record.seq > known && this.wanted.accepts(record) }
    this.inbox!.subscription = this.subscribe(room, this.inbox!.access, cursor, wanted, (record) => this.obey(record))
    this.inbox!.subscription.start()
    this.timer = this.edge.clock.after(positionMs, () => this.tick())
  }

  private obey(record: RoomRecord): void {
    this.inbox!.position = record.position
    const change = inboxChange(record)
    if (!change) return
    if ('joined' in change) return this.join(change.joined, change.seq)
    const member = this.members.get(change.left)
    if (!member) return
    if (member.endedAt !== undefined || !this.includes(change.left)) return this.forget(change.left, member)
    member.left = { seq: change.seq, reason: change.reason }
    member.subscription?.endAt(change.reason, change.seq)
  }

  private join(id: string, seq: number): void {
    const member = this.members.get(id)
    // Came back before the end was read: the cursor that there is passes over both.
    if (member && member.endedAt === undefined) {
      delete member.left
      return member.subscription?.endAt(undefined, 0)
    }
    if (member) this.forget(id, member)
    const fresh: Member = { start: { seq: Math.max(seq - 1, this.newest.get(id)?.seq ?? 0, member?.endedAt ?? 0) }, awaited: false }
    this.members.set(id, fresh)
    void this.enqueue(id, fresh).then(() => fresh.subscription?.start())
  }

  /** Opens a room, a few at a time; tries again until it can be read, for a room must not be skipped. */
  private async enqueue(id: string, member: Member): Promise<void> {
    if (!this.includes(id)) {
      member.awaited = false
      return
    }
    if (this.opening >= openingMax) await new Promise<void>((resolve) => this.queue.push(resolve))
    this.opening++
    for (let retryMs = retryMsMin; !this.over && this.members.get(id) === member; retryMs = Math.min(retryMs * 2, retryMsMax)) {
      try {
        await this.openMember(id, member)
        break
      } catch (error) {
        this.edge.onFailure(error, 'sync')
        await new Promise<void>((resolve) => this.edge.clock.after(retryMs, resolve))
      }
    }
    this.opening--
    this.queue.shift()?.()
    if (member.start.seq !== undefined || member.start.offset !== undefined) member.subscription?.start()
  }

  private async openMember(id: string, member: Member): Promise<void> {
    const room = await this.edge.rooms.take(id)
    let access: Access | undefined
    try {
      access = await room.accessOf(this.principal.user)
      const { seq, offset } = member.start
      const from = seq ?? (offset === undefined ? room.tail.seq : await seqBelow(room, offset, this.edge))
      if (this.over || this.members.get(id) !== member) throw new Error('no longer wanted')
      member.room = room
      const cursor = { seq: Math.min(from, room.tail.seq), offset: seq === undefined ? (offset ?? room.feed.next) : undefined, logBudget: 0 }
      member.subscription = this.subscribe(room, access, cursor, this.wanted)
      if (member.left) member.subscription.endAt(member.left.reason, member.left.seq)
    } catch (error) {
      if (access) room.releaseAccess(access)
      this.edge.rooms.release(id)
      if (!this.over && this.members.get(id) === member) throw error
    }
  }

  private subscribe(room: Room, access: Access, cursor: Cursor, wanted: Wanted, onRecord?: (record: RoomRecord) => void): Subscription {
    const { edge, sink, principal } = this
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
        onRenew: () => this.renew(),
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

  private arrived(id: string): void {
    const member = this.members.get(id)
    if (member) member.awaited = false
    this.settle()
  }

  private ended(id: string, subscription: Subscription): void {
    const member = this.members.get(id)
    if (!member || member.subscription !== subscription) return
    member.endedAt = subscription.seq
    if (member.left) this.forget(id, member)
    this.arrived(id)
  }

  private forget(id: string, member: Member): void {
    this.members.delete(id)
    this.drop(id, member)
    this.settle()
  }

  private drop(id: string, { subscription }: Member): void {
    if (!subscription) return
    subscription.close()
    subscription.room.releaseAccess(subscription.access)
    this.edge.rooms.release(id)
  }

  /** Says `live` when every room that there was at the start is. */
  private settle(): void {
    if (this.announced || this.over || !this.inbox?.subscription) return
    for (const [id, { awaited }] of this.members) if (awaited && this.includes(id)) return
    const position = this.position()
    if (position === undefined) return
    this.announced = true
    this.given = position
    this.sink.send(JSON.stringify({ live: { position } }))
    this.sink.send(JSON.stringify({ position }))
  }

  private tick(): void {
    if (this.over) return
    this.settle()
    const position = this.announced && !this.sink.full ? this.position() : undefined
    if (position !== undefined && position !== this.given) {
      this.given = position
      this.sink.send(JSON.stringify({ position }))
    }
    this.timer = this.edge.clock.after(positionMs, () => this.tick())
  }

  /** The log is another one: all of it is begun anew, at the tail. */
  private renew(): void {
    if (this.over) return
    this.close()
    this.edge.counts.reset('wrong_epoch')
    this.sink.send(JSON.stringify({ reset: { reason: 'wrong_epoch' } }))
  }

  private includes(id: string): boolean {
    const rooms = this.input.filter?.rooms
    return rooms === undefined || rooms.includes(id)
  }
}

/** Between two composite positions. */
const positionMs = 5_000
/** Longer ones are not taken back by any door. */
const positionLengthMax = 16_384
/** Rooms of one sync that are opened at once. */
const openingMax = 16
const retryMsMin = 100
const retryMsMax = 5_000
