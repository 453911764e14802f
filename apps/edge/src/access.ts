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
  private membership: [seq: number, value: string] | undefined
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
    this.membership = statement.membership.at(-1)
    this.exists = statement.exists
    this.deleted = statement.deleted
    this.open = this.timeline.mayReadNow()
  }

  get banned(): boolean {
    return this.membership?.[1] === 'banned'
  }

  /** The `seq` of the event that ended the last membership or invitation, if it is ended. */
  get removedAt(): number | undefined {
    return this.membership && gone.has(this.membership[1]) ? this.membership[0] : undefined
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
    if (value !== undefined) this.membership = [record.seq, value]
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
