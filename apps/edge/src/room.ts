/**
 * A room as this edge follows it: who listens, what each of them may see, where its tail is. Exists while somebody
 * here is subscribed, is told every event in order by its feed, and folds what the events mean before handing them on.
 */

import { isAccessEvent } from '@roomlog/domain'
import { position } from '@roomlog/log'
import { type AccessStatement, decodeEvent, deletionOf, tombstone } from '@roomlog/protocol'
import { Access, type Removal } from './access.js'
import type { Attendant } from './audience.js'
import type { Feed, FeedRoom } from './feed.js'
import type { EventLog, History } from './ports.js'
import { RoomRecord, storedRecord, tombstoneOf } from './record.js'

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
  /** Deletions met since the room is followed, by the `seq` that they erase. */
  private readonly deletions = new Map<number, RoomRecord>()
  /** `seq` of the newest state met since the room is followed, by type and key. */
  private readonly newestState = new Map<string, number>()
  private stored: ReadonlySet<number> | undefined

  constructor(
    readonly id: string,
    readonly feed: Feed,
    private readonly log: EventLog,
    private readonly history: History,
    private readonly attendance?: Attendance,
  ) {}

  /** What `user` may see, folded to the high watermark at the time of the call; shared by the user's subscriptions here. */
  async accessOf(user: string): Promise<Access> {
    let entry = this.accesses.get(user)
    if (!entry) {
      entry = { uses: 0 }
      this.accesses.set(user, entry)
      entry.opening = this.openAccess(user, entry)
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
    this.deletions.clear()
    this.newestState.clear()
    this.stored = undefined
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

  /** The record as it may go out: its tombstone if it is erased. Complete to what is folded, given `erasures` was awaited. */
  async presentable(record: RoomRecord): Promise<RoomRecord> {
    const deletion = this.deletions.get(record.seq)
    if (deletion) record.erase(tombstoneOf(record, deletion))
    else if (this.stored?.has(record.seq)) record.erase(await this.storedTombstone(record))
    return record
  }

  /** The room's erased `seq`s, persistence's list at least: later ones are folded by the room itself. */
  async erasures(): Promise<void> {
    if (this.stored) return
    const { erased } = await this.history.erased(this.id)
    this.stored = new Set(erased)
  }

  private async storedTombstone(record: RoomRecord): Promise<Buffer> {
    const page = await this.history.events(this.id, record.seq - 1, 1)
    const found = page.events[0]
    if (found?.seq === record.seq) return Buffer.from(found.bytes)
    const event = decodeEvent(record.value)
    return Buffer.from(tombstone(record.value, deletionOf({ ...event, content: '{}' })))
  }

  /**
   * Persistence's statement, then the log from where it is true. The last stretch is read from the ring in one go with
   * registering for what follows, so nothing can fall between.
   */
  private async openAccess(user: string, entry: AccessEntry): Promise<Access> {
    const statement = await this.history.access(this.id, user)
    await this.feed.caughtUp()
    await this.feed.reached(statement.through)
    const access = new Access(user, statement)
    await this.meet(statement)
    let from = statement.through
    while (from < this.feed.ring.start) {
      const batch = await this.log.read(this.feed.topic, this.feed.partition, from)
      for (const record of batch.records) {
        if (record.key !== this.id) continue
        const event = RoomRecord.of(record, this.feed)
        if (event) this.foldInto(access, event)
      }
      if (batch.next <= from) break
      from = batch.next
    }
    for (const record of this.feed.ring.of(this.id, from)) this.foldInto(access, record)
    entry.folded = access
    return access
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
    if (record.erases !== undefined) this.deletions.set(record.erases, record)
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

/** Of a position before the first event. */
const noCheck = '--------'

const stateKey = (record: RoomRecord) => `${record.type}\0${record.key}`

function userOf(record: RoomRecord): string {
  const event = decodeEvent(record.value)
  return event.user ?? event.key ?? ''
}
