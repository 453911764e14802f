/**
 * The subscriptions of one session: opened, replaced, ended. Whoever may not know a room gets the same answer,
 * after the same steps, as for a room that does not exist.
 */
import { type Filter, type WireError, wireError } from '@roomlog/protocol'
import type { Access } from './access.js'
import type { EdgeParts, Principal } from './edge.js'
import { compileFilter } from './filter.js'
import { OwnInbox } from './own-inbox.js'
import type { Sink } from './ports.js'
import type { Resumption } from './resumption.js'
import type { Room } from './room.js'
import { type StartInput, startOf } from './start.js'
import { Subscription, type Viewer } from './subscription.js'
import { Sync, type SyncInput } from './sync.js'
import type { Ticket } from './ticket.js'

export interface SubscribeInput extends StartInput {
  room: string
  filter?: Filter
}

type Reply = (answer: { ok: object } | { error: WireError }) => void

interface Entry {
  input: SubscribeInput
  principal: Principal
  viewer: Viewer
  subscription?: Subscription
}

export class Subscriptions {
  private readonly entries = new Map<string, Entry>()
  private current: Sync | undefined
  private inbox: OwnInbox | undefined
  private resumption: Resumption | undefined

  constructor(
    private readonly edge: EdgeParts,
    private readonly sink: Sink,
  ) {}

  get size(): number {
    return this.entries.size
  }

  /** The session's own inbox, from now on. A subscription to it, or a sync, takes its place. */
  followInbox(principal: Principal): void {
    this.inbox ??= new OwnInbox(this.edge, this.sink, principal)
  }

  /** What a ticket has proven: used by what is opened from now on. */
  resume(resumption: Resumption): void {
    this.resumption = resumption
  }

  /** What is proven by the subscriptions, for a ticket. */
  proofs(): Pick<Ticket, 'proofs' | 'all'> {
    const proven = this.current?.proofs() ?? { proofs: [] }
    const held = new Set(proven.proofs.map(({ room }) => room))
    const more = [...this.entries.values()].flatMap(({ subscription, input }) => {
      const proof = subscription && !held.has(input.room) ? subscription.room.proofOf(subscription.access) : undefined
      return proof ? [proof] : []
    })
    // With rooms that are not the user's own, it is no longer known which are.
    return more.length > 0 && proven.all ? { proofs: [...proven.proofs, ...more] } : { ...proven, proofs: [...proven.proofs, ...more] }
  }

  /** All rooms and the inbox as one; a second one takes the place of the first. */
  sync(input: SyncInput, principal: Principal, reply: Reply): void {
    this.closeSync()
    this.inbox?.close()
    this.current = new Sync(this.edge, this.sink, principal, input, this.resumption)
    void this.current.open(reply)
  }

  closeSync(): boolean {
    const was = this.current
    this.current = undefined
    was?.close()
    return was !== undefined
  }

  /** Answers by `reply` before the first event of the subscription; a second one to the same room takes the place of the first. */
  async open(input: SubscribeInput, principal: Principal, reply: Reply): Promise<void> {
    const { edge } = this
    this.close(input.room)
    if (input.room === `@${principal.user}`) this.inbox?.close()
    if (this.entries.size >= edge.limits.connectionSubscriptions) {
      edge.counts.limitHit('subscriptions')
      return reply({ error: wireError('limited', 'too many subscriptions on this connection', { retryAfterMs: 1_000 }) })
    }
    const viewer = { user: principal.user, device: principal.device, byRight: edge.door.reads(principal, input.room) }
    const entry: Entry = { input, principal, viewer }
    this.entries.set(input.room, entry)
    let room: Room | undefined
    let access: Access | undefined
    try {
      room = await edge.rooms.take(input.room)
      access = await room.accessOf(principal.user, this.resumption?.proofs.get(input.room))
      if (await this.begin(entry, room, access, reply)) return
    } catch (error) {
      edge.onFailure(error, 'subscribe')
      reply({ error: wireError('unavailable', 'the room cannot be read now') })
    }
    if (access) room?.releaseAccess(access)
    if (room) edge.rooms.release(input.room)
    if (this.entries.get(input.room) === entry) this.entries.delete(input.room)
  }

  /** False if there was none. */
  close(room: string): boolean {
    const entry = this.entries.get(room)
    if (!entry) return false
    this.entries.delete(room)
    if (entry.subscription?.close()) this.released(entry.subscription)
    return true
  }

  closeAll(): void {
    this.inbox?.close()
    this.closeSync()
    for (const room of [...this.entries.keys()]) this.close(room)
  }

  /** The token was refreshed: what it grants may have changed. */
  reconsider(principal: Principal): void {
    for (const [room, entry] of [...this.entries]) {
      entry.principal = principal
      entry.viewer.byRight = this.edge.door.reads(principal, room)
      entry.subscription?.reconsider()
    }
  }

  /** Where the client stands, for a `bye`: the sync's position if there is one. */
  position(): string | undefined {
    return this.current?.position()
  }

  /** True if the subscription has begun (or was given up for a newer one before it could). */
  private async begin(entry: Entry, room: Room, access: Access, reply: Reply): Promise<boolean> {
    const { edge, sink } = this
    const { input, viewer } = entry
    if (!mayBegin(access, entry)) {
      reply({ error: wireError('not_found') })
      return false
    }
    const started = await startOf(room, input, edge)
    // What was true before the position was looked up may be so no longer.
    if (this.entries.get(input.room) !== entry) {
      reply({ error: wireError('conflict', 'replaced by a newer request for the same room') })
      return false
    }
    if (!mayBegin(access, entry)) {
      reply({ error: wireError('not_found') })
      return false
    }
    if (typeof started === 'object' && 'invalid' in started) {
      reply({ error: wireError('invalid', started.invalid, { field: 'position' }) })
      return false
    }
    const past = !entitled(access, viewer)
    const cursor =
      typeof started === 'object' && 'cursor' in started ? started.cursor : { seq: room.tail.seq, offset: room.feed.next, logBudget: 0 }
    reply({
      ok: past
        ? { room: room.id, seq: Math.max(access.closedAt ?? 0, cursor.seq) }
        : { room: room.id, seq: room.tail.seq, position: room.tailPosition },
    })
    if (typeof started === 'object' && 'reset' in started) {
      sink.send(JSON.stringify({ reset: { room: room.id, reason: started.reset, seq: room.tail.seq, position: room.tailPosition } }))
      edge.counts.reset(started.reset)
    }
    entry.subscription = new Subscription(
      {
        room,
        access,
        viewer,
        wanted: compileFilter(input.filter),
        sink,
        replay: edge.replay,
        clock: edge.clock,
        onEnd: (subscription) => {
          if (this.entries.get(input.room) === entry) this.entries.delete(input.room)
          this.released(subscription)
        },
        onRenew: (subscription) => this.renew(entry, subscription),
        onState: edge.counts.subscriptionState,
        onReplay: edge.counts.replayed,
        onFailure: (error) => edge.onFailure(error, 'subscription'),
      },
      cursor,
    )
    edge.counts.subscriptionState('behind', undefined)
    entry.subscription.start()
    return true
  }

  private released(subscription: Subscription): void {
    subscription.room.releaseAccess(subscription.access)
    this.edge.rooms.release(subscription.room.id)
  }

  /** The log is another one: the client is told to reload, and goes on at the tail of the new one. */
  private renew(entry: Entry, subscription: Subscription): void {
    this.released(subscription)
    const { room } = entry.input
    if (this.entries.get(room) !== entry) return
    this.entries.delete(room)
    this.edge.counts.reset('wrong_epoch')
    this.sink.send(JSON.stringify({ reset: { room, reason: 'wrong_epoch' } }))
    void this.open({ room, filter: entry.input.filter }, entry.principal, (answer) => {
      if ('error' in answer) this.sink.send(JSON.stringify({ end: { room, reason: 'wrong_epoch' } }))
    })
  }
}

function entitled(access: Access, { byRight }: Viewer): boolean {
  return access.open || (byRight && access.exists && !access.banned && !access.deleted)
}

/** Whoever was a member once may read what they could see then; the present tail is not theirs to know. */
function mayBegin(access: Access, { input, viewer }: Entry): boolean {
  const explicit = (input.position ?? input.from ?? input.last) !== undefined
  return entitled(access, viewer) || (explicit && access.closedAt !== undefined)
}
