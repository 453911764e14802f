/**
 * A room as this edge follows it: who listens, what each of them may see, where its tail is. Exists while somebody
 * here is subscribed, is told every event in order by its feed, and folds what the events mean before handing them on.
 */

import { isAccessEvent } from '@roomlog/domain'
import { parsePosition, position } from '@roomlog/log'
import { type AccessStatement, decodeEvent } from '@roomlog/protocol'
import { Access, type Removal } from './access.js'
import type { Attendant } from './audience.js'
import type { Chunks } from './chunks.js'
import { Erasures } from './erasures.js'
import type { Feed, FeedRoom } from './feed.js'
import type { EventLog, History } from './ports.js'
import { RoomRecord, storedRecord } from './record.js'
import type { Proof } from './ticket.js'

/** Where a room ends, as far as it is folded. */
export interface RoomTail {
  seq: number
  position: string
}

/** A subscription, as its room sees it. */
export interface Listener extends Attendant {
  /** `changes`: the event may change who sees what. `removal`: it ended this user's membership. */
  receive(record: RoomRecord, changes: boolean, removal: Removal | undefined): void
  renew(): void
  fail(error: unknown): void
}

/** Told of every subscription that a room has. */
export interface Attendance {
  enter(room: string, listener: Attendant): void
  leave(room: string, listener: Attendant): void
}

/** What is known of one user's rights; `folded` is set once it is in step with the feed. */
interface AccessEntry {
  opening?: Promise<Access>
  folded?: Access
  uses: number
}

export class Room implements FeedRoom {
  tail: RoomTail = { seq: 0, position: '' }
  /** Told of every event, whoever may see it. Must not throw. */
  readonly watchers = new Set<(record: RoomRecord) => void>()
  private readonly listeners: Listener[] = []
  private readonly accesses = new Map<string, AccessEntry>()
  readonly erasures: Erasures
  /** `seq` of the newest state met since the room is followed, by type and key. */
  private readonly newestState = new Map<string, number>()

  constructor(
    readonly id: string,
    readonly feed: Feed,
    private readonly log: EventLog,
    private readonly history: History,
    private readonly chunks: Chunks,
    private readonly attendance?: Attendance,
  ) {
    this.erasures = new Erasures(id, history)
  }

  /**
   * What `user` may see, folded to the high watermark at the time of the call; shared by the user's subscriptions here.
   * With a proof the log is read on from there, and persistence is not asked.
   */
  async accessOf(user: string, proof?: Proof): Promise<Access> {
    let entry = this.accesses.get(user)
    if (!entry) {
      entry = { uses: 0 }
      this.accesses.set(user, entry)
      entry.opening = this.openAccess(user, entry, proof)
    }
    entry.uses++
    try {
      const access = await entry.opening!
      await this.feed.caughtUp()
      return access
    } catch (error) {
      this.release(user, entry)
      throw error
    }
  }

  releaseAccess(access: Access): void {
    const entry = this.accesses.get(access.user)
    if (entry?.folded === access) this.release(access.user, entry)
  }

  listen(listener: Listener): void {
    this.listeners.push(listener)
    this.attendance?.enter(this.id, listener)
  }

  unlisten(listener: Listener): void {
    const index = this.listeners.indexOf(listener)
    if (index < 0) return
    // The last one takes the place: `receive` goes from the end, so nobody is passed over.
    const last = this.listeners.pop()!
    if (index < this.listeners.length) this.listeners[index] = last
    this.attendance?.leave(this.id, listener)
  }

  receive(record: RoomRecord): void {
    this.note(record)
    const changes = isAccessEvent(record.type)
    const removals = changes ? this.foldAccess(record) : undefined
    for (const watch of this.watchers) watch(record)
    for (let i = this.listeners.length - 1; i >= 0; i--) {
      const listener = this.listeners[i]!
      try {
        listener.receive(record, changes, removals?.get(listener.access))
      } catch (error) {
        listener.fail(error)
      }
    }
  }

  renew(): void {
    this.accesses.clear()
    this.erasures.forget()
    this.newestState.clear()
    this.tail = { seq: 0, position: '' }
    for (const listener of [...this.listeners]) listener.renew()
  }

  /** Where the tail is, also of a room in which nothing has happened. */
  get tailPosition(): string {
    const { epoch, partition, next } = this.feed
    return this.tail.seq > 0 ? this.tail.position : position({ epoch, partition, offset: next, seq: 0, check: noCheck })
  }

  /** Whether newer state of the same type and key is known. */
  superseded(record: RoomRecord): boolean {
    return record.isState && (this.newestState.get(stateKey(record)) ?? 0) > record.seq
  }

  /** What a ticket may say of the user's access, or undefined: of what is proven by an access that is in step. */
  proofOf(access: Access): Proof | undefined {
    const place = parsePosition(this.tailPosition)
    if (this.accesses.get(access.user)?.folded !== access || !access.exists || access.deleted || !place || place.seq === 0) return undefined
    const { access: mode, history, membership } = access.facts
    const { offset, seq, check } = place
    return {
      room: this.id,
      epoch: this.feed.epoch,
      through: this.feed.next,
      tail: { offset, seq, check },
      access: mode,
      history,
      membership,
    }
  }

  /**
   * Persistence's statement, then the log from where it is true. The last stretch is read from the ring in one go with
   * registering for what follows, so nothing can fall between.
   */
  private async openAccess(user: string, entry: AccessEntry, proof?: Proof): Promise<Access> {
    await this.feed.caughtUp()
    const proven = await this.accept(proof)
    const statement = proven ?? (await this.history.access(this.id, user))
    if (!proven) await this.feed.caughtUp()
    await this.feed.reached(statement.through)
    const access = new Access(user, statement)
    await this.meet(statement)
    let from = statement.through
    while (from < this.feed.ring.start) {
      const batch = await this.chunks.read(this.feed, from)
      for (const record of batch.records) {
        if (record.key !== this.id || record.offset < from) continue
        const event = RoomRecord.of(record, this.feed)
        if (event) this.foldInto(access, event)
      }
      if (batch.next <= from) break
      from = batch.next
    }
    for (const record of this.feed.ring.of(this.id, from)) this.foldInto(access, record)
    this.erasures.completeFrom(statement.through)
    entry.folded = access
    return access
  }

  /** The statement that a proof is worth: one of this log, from where on the log can be read. */
  private async accept(proof: Proof | undefined): Promise<AccessStatement | undefined> {
    if (!proof || proof.epoch !== this.feed.epoch || proof.through > this.feed.next) return undefined
    if (this.feed.next - proof.through > proofRecordsMax) return undefined
    const { epoch, through, tail, access, history, membership } = proof
    const { partition, topic } = this.feed
    if ((await this.log.range(topic, partition)).start > through) return undefined
    if (tail.seq > this.tail.seq) this.tail = { seq: tail.seq, position: position({ epoch, partition, ...tail }) }
    return { room: this.id, partition, through, exists: true, deleted: false, seq: tail.seq, access, history, membership }
  }

  private release(user: string, entry: AccessEntry): void {
    if (--entry.uses === 0 && this.accesses.get(user) === entry) this.accesses.delete(user)
  }

  private foldInto(access: Access, record: RoomRecord): void {
    this.note(record)
    access.fold(record)
  }

  private foldAccess(record: RoomRecord): Map<Access, Removal> | undefined {
    let removals: Map<Access, Removal> | undefined
    const concerned = record.type.startsWith('member.') ? [userOf(record)] : this.accesses.keys()
    for (const user of concerned) {
      const access = this.accesses.get(user)?.folded
      const removal = access?.fold(record)
      if (access && removal) (removals ??= new Map()).set(access, removal)
    }
    return removals
  }

  /** The tail and the facts that a replay needs; a record met twice changes nothing. */
  private note(record: RoomRecord): void {
    this.erasures.note(record)
    if (record.isState && (this.newestState.get(stateKey(record)) ?? 0) < record.seq) this.newestState.set(stateKey(record), record.seq)
    if (record.seq > this.tail.seq) this.tail = { seq: record.seq, position: record.position }
  }

  /** The tail that persistence knows; its position is that of the event itself. */
  private async meet(statement: AccessStatement): Promise<void> {
    if (statement.seq <= this.tail.seq) return
    const held = this.feed.ring.find(this.id, statement.seq)
    if (held) return this.note(held)
    const { events } = await this.history.events(this.id, statement.seq - 1, 1)
    const row = events[0]
    if (row?.seq !== statement.seq) throw new Error(`persistence states seq ${statement.seq} of a room and does not have it`)
    const event = storedRecord(this.id, row, this.feed)
    if (event.seq > this.tail.seq) this.note(event)
  }
}

/** From further back persistence's statement is had sooner. */
const proofRecordsMax = 50_000
/** Of a position before the first event. */
const noCheck = '--------'

const stateKey = (record: RoomRecord) => `${record.type}\0${record.key}`

function userOf(record: RoomRecord): string {
  const event = decodeEvent(record.value)
  return event.user ?? event.key ?? ''
}
