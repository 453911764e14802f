/**
 * All rooms of a user and their inbox as one subscription: one cursor per room, one composite position.
 *
 * The inbox decides which rooms there are. It is read in order; a join starts a room at that join, a leave ends it at that
 * leave. A composite names the inbox position, so it may be given only when everything that the inbox has said up to there
 * has been done: while a room that was left has not been read to its end, none is given.
 */
import { compositePosition } from '@roomlog/log'
import { type Filter, type WireError, wireError } from '@roomlog/protocol'
import type { Access } from './access.js'
import { coveredTo, type SyncStart, syncStart } from './composite.js'
import type { EdgeParts, Principal } from './edge.js'
import { compileFilter, type Wanted } from './filter.js'
import { inboxChange, roomsAt } from './inbox.js'
import type { Sink } from './ports.js'
import type { RoomRecord } from './record.js'
import type { Cursor } from './replay.js'
import type { Resumption } from './resumption.js'
import type { Room } from './room.js'
import { startOf } from './start.js'
import type { Subscription } from './subscription.js'
import { SyncRooms } from './sync-rooms.js'
import type { Ticket } from './ticket.js'

export interface SyncInput {
  positions: string[]
  /** What cannot be understood is a reset too, and no error. */
  orReset?: boolean
  filter?: Filter
}

type Reply = (answer: { ok: object } | { error: WireError }) => void

export class Sync {
  private readonly rooms: SyncRooms
  private readonly wanted: Wanted
  private inbox: { room: Room; access: Access; subscription?: Subscription; position: string } | undefined
  private newest: SyncStart['newest'] = new Map()
  private over = false
  private announced = false
  private given = ''
  private timer: { cancel(): void } | undefined

  constructor(
    private readonly edge: EdgeParts,
    private readonly sink: Sink,
    private readonly principal: Principal,
    private readonly input: SyncInput,
    private readonly resumption?: Resumption,
  ) {
    this.wanted = compileFilter(input.filter)
    this.rooms = new SyncRooms({
      edge,
      sink,
      principal,
      wanted: this.wanted,
      proofs: resumption?.proofs,
      includes: (id) => this.includes(id),
      onChange: () => this.settle(),
      onRenew: () => this.renew(),
    })
  }

  /** Answers before the first event. */
  async open(reply: Reply): Promise<void> {
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
    this.rooms.close()
    const { inbox } = this
    if (!inbox) return
    inbox.subscription?.close()
    inbox.room.releaseAccess(inbox.access)
    this.edge.rooms.release(inbox.room.id)
  }

  /** The composite position, or undefined while none may be given. */
  position(): string | undefined {
    const coverage = this.rooms.coverage()
    if (!this.inbox || !coverage) return undefined
    const position = compositePosition({ inbox: this.inbox.position, ...coverage })
    return position.length <= positionLengthMax ? position : undefined
  }

  /** What is proven of the rooms and the inbox; `all` where these are all rooms, and nothing is under way. */
  proofs(): Pick<Ticket, 'proofs' | 'all'> {
    const { inbox } = this
    const proof = inbox?.room.proofOf(inbox.access)
    const proven = this.rooms.proofs()
    if (!inbox?.subscription || !proof) return { proofs: proven ?? [] }
    const all = proven && inbox.subscription.seq === proof.tail.seq && proven.length === this.rooms.size
    return { proofs: [proof, ...(proven ?? [])], ...(all ? { all: { seq: proof.tail.seq, offset: proof.through } } : {}) }
  }

  private async begin(reply: Reply): Promise<void> {
    const { edge, principal, input } = this
    const id = `@${principal.user}`
    const room = await edge.rooms.take(id)
    const access = await room.accessOf(principal.user, this.resumption?.proofs.get(id)).catch((error) => {
      edge.rooms.release(id)
      throw error
    })
    this.inbox = { room, access, position: room.tailPosition }
    if (input.positions.length === 0) return this.beginAtTail(room, reply)
    const start = await syncStart(input.positions, room, edge)
    if ('invalid' in start && !input.orReset) {
      reply({ error: wireError('invalid', start.invalid, { field: 'position' }) })
      return this.close()
    }
    const reset = 'invalid' in start ? 'unknown_position' : 'reset' in start ? start.reset : await this.resume(start, room, reply)
    if (reset === undefined) return
    edge.counts.reset(reset)
    await this.beginAtTail(room, reply, () => this.sink.send(JSON.stringify({ reset: { reason: reset, position: this.position() } })))
  }

  /** Why it cannot be continued from there, if so; nothing has been answered then. */
  private async resume({ composite, newest }: SyncStart, inbox: Room, reply: Reply): Promise<string | undefined> {
    const { edge, rooms } = this
    const at = await startOf(inbox, { position: composite.inbox }, edge)
    if (at === 'tail' || 'invalid' in at) return 'unknown_position'
    if ('reset' in at) return at.reset
    const behind = new Map(composite.behind)
    for (const id of (await roomsAt(inbox, at.cursor.seq, edge, this.resumption?.rooms)).keys()) {
      const offset = coveredTo(composite, await edge.rooms.feedOfRoom(id))
      if (typeof offset === 'object') return offset.reset
      const seq = newest.get(id)?.seq ?? behind.get(id)
      if (seq === undefined && offset === undefined && this.includes(id)) return 'unknown_position'
      rooms.set(id, seq === undefined ? { offset } : { seq }, true)
    }
    if (this.over) return undefined
    this.newest = newest
    this.inbox!.position = composite.inbox
    reply({ ok: { rooms: rooms.size } })
    void rooms.openAll()
    this.follow(inbox, at.cursor, newest.get(inbox.id)?.seq ?? 0)
    return undefined
  }

  private async beginAtTail(inbox: Room, reply: Reply, announce?: () => void): Promise<void> {
    const { rooms } = this
    rooms.clear()
    const cursor = { seq: inbox.tail.seq, offset: inbox.feed.next, logBudget: 0 }
    this.inbox!.position = inbox.tailPosition
    for (const id of (await roomsAt(inbox, cursor.seq, this.edge, this.resumption?.rooms)).keys()) rooms.set(id, {}, true)
    await rooms.openAll()
    if (this.over) return
    reply({ ok: { rooms: rooms.size, position: this.position() } })
    announce?.()
    rooms.startAll()
    this.follow(inbox, cursor, 0)
  }

  /** The inbox from the cursor on; events up to `known` are the client's already and only obeyed. */
  private follow(room: Room, cursor: Cursor, known: number): void {
    const inbox = this.inbox!
    const wanted: Wanted = { ...this.wanted, plain: false, accepts: (record) => record.seq > known && this.wanted.accepts(record) }
    inbox.subscription = this.rooms.subscribe(room, inbox.access, cursor, wanted, (record) => this.obey(record))
    inbox.subscription.start()
    this.timer = this.edge.clock.after(positionMs, () => this.tick())
    this.settle()
  }

  private obey(record: RoomRecord): void {
    this.inbox!.position = record.position
    const change = inboxChange(record)
    if (!change) return
    if ('joined' in change) return this.join(change.joined, change.seq)
    const room = this.rooms.get(change.left)
    if (!room) return
    if (room.endedAt !== undefined || !this.includes(change.left)) {
      this.rooms.forget(change.left)
      return this.settle()
    }
    room.left = { seq: change.seq, reason: change.reason }
    room.subscription?.endAt(change.reason, change.seq)
  }

  private join(id: string, seq: number): void {
    const room = this.rooms.get(id)
    // Came back before the end was read: the cursor that there is passes over both.
    if (room && room.endedAt === undefined) {
      delete room.left
      return room.subscription?.endAt(undefined, 0)
    }
    this.rooms.forget(id)
    this.rooms.set(id, { seq: Math.max(seq - 1, this.newest.get(id)?.seq ?? 0, room?.endedAt ?? 0) }, false)
    void this.rooms.open(id)
  }

  /** Says `live` when every room that there was at the start is. */
  private settle(): void {
    if (this.announced || this.over || !this.inbox?.subscription || !this.rooms.settled) return
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

  /** The log is another one: the client reloads, and begins anew. */
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
