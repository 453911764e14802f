/**
 * What one user may see of one room, as a function of the log. The domain judges (`AccessTimeline`); this keeps its
 * facts in step with the feed.
 *
 * Persistence's statement is true at an offset; from there the room's access events are folded up to the high watermark
 * before anything is granted or refused, and live from then on. Where a client asks to start plays no part in it.
 * What a token grants is not in here: sessions of one user share this.
 */
import { AccessTimeline, isAccessEvent, membershipAfter } from '@roomlog/domain'
import { type AccessStatement, decodeEvent } from '@roomlog/protocol'
import type { RoomRecord } from './record.js'

export class Access {
  private readonly timeline: AccessTimeline
  private member: string | undefined
  exists: boolean
  deleted: boolean
  /** Whether the event that comes next would be seen, by membership or because the room is the world's. */
  open = false

  constructor(
    /** Empty = anonymous. */
    readonly user: string,
    statement: AccessStatement,
  ) {
    this.timeline = new AccessTimeline(statement, user === '' ? {} : { user })
    this.member = statement.membership.at(-1)?.[1]
    this.exists = statement.exists
    this.deleted = statement.deleted
    this.open = this.timeline.mayReadNow()
  }

  get banned(): boolean {
    return this.member === 'banned'
  }

  /** The facts so far: true of everything that was folded. */
  get facts() {
    return this.timeline.snapshot()
  }

  get joined(): boolean {
    return this.member === 'joined'
  }

  /** The `seq` of the event that ended the last membership or invitation, if one ever ended. */
  get removedAt(): number | undefined {
    return this.timeline.snapshot().membership.findLast(([, value]) => gone.has(value))?.[0]
  }

  /**
   * Where the room was closed to the user: the last `seq` they may see of what is there; undefined if there is nothing.
   * What may be seen changes only with the room's history mode and the membership, and who is shut out sees the event that does it.
   */
  get closedAt(): number | undefined {
    if (!this.timeline.mayReadAny()) return undefined
    const { history, membership } = this.timeline.snapshot()
    return Math.max(...[...history, ...membership].map(([seq]) => seq).filter((seq) => this.timeline.maySee(seq)))
  }

  /** Whether the user may see the event with this `seq`. Every event up to it must be folded. */
  sees(seq: number): boolean {
    return this.timeline.maySee(seq)
  }

  /** Folds one event; one that is covered already changes nothing. Returns how it ended the user's membership, if it did. */
  fold(record: RoomRecord): Removal | undefined {
    if (!isAccessEvent(record.type)) return undefined
    const event = decodeEvent(record.value)
    if (!this.timeline.extend(event)) return undefined
    this.exists = true
    if (record.type === 'room.deleted') this.deleted = true
    const value = membershipAfter[record.type]
    if (value !== undefined) this.member = value
    this.open = this.timeline.mayReadNow()
    const reason = removals[record.type]
    return reason === undefined ? undefined : { reason, seq: record.seq }
  }
}

/** How a subscription ends because of an event. */
export interface Removal {
  reason: string
  seq: number
}

/** Why a subscription ends, by the type of the event that ends it. */
export const removals: Readonly<Record<string, string>> = {
  'member.leave': 'left',
  'member.kick': 'kicked',
  'member.ban': 'banned',
  'room.deleted': 'deleted',
}

const gone = new Set(['left', 'banned'])
