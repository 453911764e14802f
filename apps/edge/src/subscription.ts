/**
 * One client's interest in one room, as a cursor over the log.
 *
 * A subscription holds no queue. In step with the tail it is live: the room hands it every event. When its socket's
 * buffer is full it falls behind, forgets nothing but where it stands, and later reads on from there:
 * ring → log by offset → persistence by `seq` → log → live. Each step continues at exactly the next `seq`, so no
 * source and no hand-over can skip or repeat an event. `after` tells the client what was withheld.
 */
import { type Access, type Removal, removals } from './access.js'
import { Frame, sharedFrame } from './frame.js'
import type { RoomRecord } from './record.js'
import type { Cursor } from './replay.js'
import type { Listener, Room } from './room.js'
import type { State, SubscriptionContext } from './subscription-context.js'

export type { State, SubscriptionContext, Viewer } from './subscription-context.js'

export class Subscription implements Listener {
  state: State = 'behind'
  readonly access: Access
  readonly room: Room
  private cursor: Cursor
  /** The last `seq` that the client knows to be accounted for. */
  private after: number
  private announced: boolean
  /** Where the subscription ends by decision of its owner. */
  private until: Removal | undefined
  private running = false

  constructor(
    readonly context: SubscriptionContext,
    cursor: Cursor,
  ) {
    this.room = context.room
    this.access = context.access
    this.cursor = { ...cursor }
    this.after = cursor.seq
    this.announced = context.quiet ?? false
    this.room.listen(this)
  }

  /** Live from the first event that comes, whose `seq` says where it stands. */
  static atTail(context: SubscriptionContext): Subscription {
    const subscription = new Subscription(context, { seq: unknownSeq, offset: undefined, logBudget: 0 })
    subscription.state = 'live'
    return subscription
  }

  get seq(): number {
    return this.cursor.seq
  }

  /** Reads on from the cursor to the tail; returns at once, goes on in the background. Safe to call again. */
  start(): void {
    if (this.running || this.state !== 'behind') return
    this.running = true
    this.catchUp()
      .catch((error) => this.fail(error))
      .finally(() => {
        this.running = false
      })
  }

  receive(record: RoomRecord, changes: boolean, removal: Removal | undefined): void {
    if (this.state !== 'live' || record.seq <= this.cursor.seq) return
    if (this.cursor.seq === unknownSeq) this.stand(record)
    if (record.seq !== this.cursor.seq + 1 || this.context.sink.full) return this.fallBehind()
    // What is open at the tail is open for this event, unless the event itself changes that.
    const visible = changes ? this.sees(record) : this.context.viewer.byRight ? !this.access.banned : this.access.open
    this.take(record, visible)
    if (removal) this.end(removal.reason, removal.seq)
    else if (this.until !== undefined && record.seq >= this.until.seq) this.end(this.until.reason, this.until.seq)
    else if (changes && !this.entitled) this.end('forbidden', record.seq)
  }

  renew(): void {
    if (this.close()) this.context.onRenew(this)
  }

  /** What the token grants has changed. */
  reconsider(): void {
    if (!this.entitled) this.end('forbidden', this.cursor.seq)
  }

  /** Ends it once it has come to `seq`, or at once if it has; without a reason, never mind. */
  endAt(reason: string | undefined, seq: number): void {
    this.until = reason === undefined ? undefined : { reason, seq }
    if (reason !== undefined && this.cursor.seq >= seq) this.end(reason, seq)
  }

  /** A check that throws ends this subscription and no other. */
  fail(error: unknown): void {
    this.context.onFailure?.(error)
    this.end('internal', this.cursor.seq)
  }

  /** Ends it without a word. False if it was over already. */
  close(): boolean {
    if (this.state === 'ended') return false
    this.to('ended')
    this.room.unlisten(this)
    return true
  }

  get entitled(): boolean {
    return this.access.open || (this.context.viewer.byRight && !this.access.banned && !this.access.deleted)
  }

  /** For somebody who may see only what they could see once: the last `seq` of it. */
  private get closedAt(): number | undefined {
    return this.entitled ? undefined : this.access.closedAt
  }

  private async catchUp(): Promise<void> {
    for (let retryMs = retryMsMin; this.state === 'behind'; ) {
      if (this.context.sink.full) await this.context.sink.drained()
      else if (this.step()) continue
      else if (await this.page()) retryMs = retryMsMin
      else {
        await this.pause(retryMs)
        retryMs = Math.min(retryMs * 2, retryMsMax)
      }
    }
  }

  /** Goes as far as memory reaches. Synchronous from the last record to `live`: nothing can come in between. */
  private step(): boolean {
    const { tail, feed, id } = this.room
    const { closedAt } = this
    if (closedAt !== undefined && this.cursor.seq >= closedAt) {
      this.endClosed()
      return true
    }
    if (this.cursor.seq < tail.seq) {
      const held = feed.ring.after(id, this.cursor.seq, this.cursor.offset ?? -1)
      if (!held) return false
      this.context.onReplay?.('ring', held.length)
      this.walk(held)
      if (this.state !== 'behind' || this.cursor.seq < tail.seq) return true
    }
    this.arrive()
    return true
  }

  /** One page from further away. False if it could not be had now. */
  private async page(): Promise<boolean> {
    try {
      const page = await this.context.replay.page(this.room, this.cursor)
      this.context.onReplay?.(page.source, page.records.length)
      if (this.state === 'behind' && this.walk(page.records)) Object.assign(this.cursor, page.cursor)
      return page.progress
    } catch (error) {
      this.context.onFailure?.(error)
      return false
    }
  }

  /** False where the socket was full, or the subscription over, before the last record. */
  private walk(records: readonly RoomRecord[]): boolean {
    const newest = this.context.wanted.full ? undefined : newestState(records)
    const { closedAt } = this
    for (const record of records) {
      if (this.state !== 'behind' || this.context.sink.full) return false
      const superseded =
        newest !== undefined &&
        record.isState &&
        (this.room.superseded(record) || newest.get(`${record.type}\0${record.key}`)! > record.seq)
      this.take(record, !superseded && this.sees(record))
      if (this.until !== undefined && record.seq >= this.until.seq) this.end(this.until.reason, this.until.seq)
      else if (closedAt !== undefined && record.seq >= closedAt) this.endClosed(record.type)
    }
    return this.state === 'behind'
  }

  private arrive(): void {
    if (!this.entitled) return this.endClosed()
    this.cursor.offset = this.room.feed.next
    this.to('live')
    if (this.announced) return
    this.announced = true
    this.context.sink.send(JSON.stringify({ live: { room: this.room.id, seq: this.cursor.seq, position: this.room.tailPosition } }))
  }

  private take(record: RoomRecord, visible: boolean): void {
    const { cursor, context } = this
    cursor.seq = record.seq
    cursor.offset = record.offset + 1
    if (visible && (context.wanted.plain ? record.follows === undefined : context.wanted.accepts(record))) this.put(record)
    context.onRecord?.(record)
  }

  private put(record: RoomRecord): void {
    const { context } = this
    const { viewer } = context
    if (record.action !== undefined && record.device === viewer.device && record.sender === viewer.user) {
      context.sink.deliver(Frame.event(record, this.after, `,"actionId":${record.actionId}`))
    } else context.sink.deliver(this.after === record.seq - 1 ? sharedFrame(record) : Frame.event(record, this.after))
    this.after = record.seq
  }

  private sees(record: RoomRecord): boolean {
    return (this.context.viewer.byRight && !this.access.banned) || this.access.sees(record.seq)
  }

  /** Right before `record`. */
  private stand(record: RoomRecord): void {
    this.cursor = { seq: record.seq - 1, offset: record.offset, logBudget: 0 }
    this.after = record.seq - 1
  }

  private fallBehind(): void {
    this.to('behind')
    this.start()
  }

  private end(reason: string, seq: number): void {
    if (!this.close()) return
    this.context.sink.send(JSON.stringify({ end: { room: this.room.id, reason, seq } }))
    this.context.onEnd(this)
  }

  /** Ends where the room is closed to the user; `type` is that of the event which was the last one, if it was met. */
  private endClosed(type = ''): void {
    const { seq } = this.cursor
    if (this.access.deleted) return this.end('deleted', Math.max(seq, this.room.tail.seq))
    if (this.access.removedAt !== seq && this.access.removedAt !== this.closedAt) return this.end('forbidden', seq)
    this.end(removals[type] ?? (this.access.banned ? 'banned' : 'left'), Math.max(seq, this.access.removedAt ?? 0))
  }

  private to(state: State): void {
    const before = this.state
    this.state = state
    this.context.onState?.(state, before)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.context.clock.after(ms, resolve))
  }
}

/** The newest `seq` of each state among the records. */
function newestState(records: readonly RoomRecord[]): Map<string, number> {
  const newest = new Map<string, number>()
  for (const record of records) if (record.isState) newest.set(`${record.type}\0${record.key}`, record.seq)
  return newest
}

const unknownSeq = -1
const retryMsMin = 50
const retryMsMax = 2_000
