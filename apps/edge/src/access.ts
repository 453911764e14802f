/**
 * What one user may see of one room, as a function of the log: membership and visibility at each event.
 *
 * Persistence's statement is true at an offset; from there the room's access events are folded up to the high watermark
 * before anything is granted or refused, and live from then on. Where a client asks to start plays no part in it.
 * Invariant: when every event up to `seq` is folded, `sees(seq)` is final, but that a later join opens `shared` history.
 */
import { type AccessStatement, decodeEvent } from '@roomlog/protocol'
import type { RoomRecord } from './record.js'

type Change = [seq: number, value: string]

export class Access {
  private readonly history: Change[]
  private readonly membership: Change[]
  private deletedAt: number | undefined
  /** Whether the event that comes next would be seen, by membership or as anybody. */
  open = false

  constructor(
    readonly user: string,
    private statement: Pick<AccessStatement, 'room' | 'exists' | 'deleted' | 'seq' | 'access' | 'history' | 'membership'>,
  ) {
    this.history = [...statement.history]
    this.membership = [...statement.membership]
    this.deletedAt = statement.deleted ? statement.seq : undefined
    this.refresh()
  }

  get exists(): boolean {
    return this.history.length > 0 || this.statement.exists
  }

  get deleted(): boolean {
    return this.deletedAt !== undefined
  }

  get member(): string {
    return valueAt(this.membership, Number.POSITIVE_INFINITY) ?? 'none'
  }

  get banned(): boolean {
    return this.member === 'banned'
  }

  /** Whether anybody may read the room now, also without a token. */
  get forTheWorld(): boolean {
    return !this.deleted && this.statement.access === 'public' && valueAt(this.history, Number.POSITIVE_INFINITY) === 'world'
  }

  /** The `seq` of the event that ended the last membership (or invitation), if it is ended. */
  get removedAt(): number | undefined {
    const last = this.membership.at(-1)
    return last && ended.has(last[1]) && this.membership.length > 1 ? last[0] : undefined
  }

  /** Folds one event; events already covered change nothing. Returns how the user's membership ended, if it did. */
  fold(record: RoomRecord): Removal | undefined {
    if (!isAccessEvent(record.type)) return undefined
    const event = decodeEvent(record.value)
    const content = parsed(event.content)
    const was = this.member
    if (record.type === 'room.history') this.change(this.history, record.seq, content.value)
    else if (record.type === 'room.access') this.statement = { ...this.statement, access: String(content.value ?? this.statement.access) }
    else if (record.type === 'room.created') {
      this.statement = { ...this.statement, exists: true, access: String(content.access ?? this.statement.access) }
      this.change(this.history, record.seq, content.history)
    } else if (record.type === 'room.deleted') this.deletedAt = record.seq
    else if ((event.user ?? event.key) === this.user) this.change(this.membership, record.seq, memberships[record.type])
    this.refresh()
    if (record.type === 'room.deleted') return { reason: 'deleted', seq: record.seq }
    const reason = removals[record.type]
    return reason && was !== this.member && (event.user ?? event.key) === this.user ? { reason, seq: record.seq } : undefined
  }

  /** Whether the user may see the event with this `seq`. Every event up to it must be folded. */
  sees(seq: number): boolean {
    const mode = valueAt(this.history, seq) ?? 'shared'
    if (mode === 'world' || valueAt(this.history, seq - 1) === 'world') return true
    if (mode === 'shared') return seq <= this.joinedUntil()
    const before = valueAt(this.membership, seq - 1) ?? 'none'
    const then = valueAt(this.membership, seq) ?? 'none'
    return mode === 'invited' ? inOrInvited.has(before) || inOrInvited.has(then) : before === 'joined' || then === 'joined'
  }

  private change(changes: Change[], seq: number, value: unknown): void {
    if (typeof value === 'string' && seq > (changes.at(-1)?.[0] ?? 0)) changes.push([seq, value])
  }

  private refresh(): void {
    this.open = !this.deleted && this.sees(Number.MAX_SAFE_INTEGER)
  }

  /** The last `seq` at which the user was a member, the event that ended it included. */
  private joinedUntil(): number {
    for (let i = this.membership.length - 1; i >= 0; i--) {
      if (this.membership[i]![1] === 'joined') return this.membership[i + 1]?.[0] ?? Number.POSITIVE_INFINITY
    }
    return 0
  }
}

/** How a subscription ends because of an event. */
export interface Removal {
  reason: string
  seq: number
}

export const isAccessEvent = (type: string) => accessTypes.has(type)

const memberships: Record<string, string> = {
  'member.join': 'joined',
  'member.invite': 'invited',
  'member.knock': 'knocking',
  'member.leave': 'left',
  'member.kick': 'left',
  'member.ban': 'banned',
  'member.unban': 'left',
}
export const removals: Record<string, string> = { 'member.leave': 'left', 'member.kick': 'kicked', 'member.ban': 'banned' }
const accessTypes = new Set([...Object.keys(memberships), 'room.created', 'room.history', 'room.access', 'room.deleted'])
const ended = new Set(['left', 'banned'])
const inOrInvited = new Set(['invited', 'joined'])

function valueAt(changes: readonly Change[], seq: number): string | undefined {
  for (let i = changes.length - 1; i >= 0; i--) if (changes[i]![0] <= seq) return changes[i]![1]
  return undefined
}

function parsed(content: string): Record<string, unknown> {
  const value: unknown = JSON.parse(content)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
