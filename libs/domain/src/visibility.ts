/**
 * Visibility: may this user see the event at this `seq`?
 *
 * A function of the log: of the changes of the room's history mode and of the user's own membership, never of when the question
 * is asked. An event is judged by what was in force just before it or just after it: somebody sees their own join and
 * their own kick, and nothing after the latter.
 *
 *   world     anybody
 *   shared    who is or was a member: everything up to the end of their last time here, also what was before they came
 *   invited   from the invitation on
 *   joined    from the join on
 *
 * Live delivery, replay, history and search ask the same timeline. It holds a few numbers a user and room, is extended event
 * by event, and answers by binary search.
 */
import type { RawJson } from './event.js'
import { membershipAfter } from './membership.js'
import { inboxOf, roomKind } from './room-id.js'

type Change = [seq: number, value: string]

/** What a timeline begins with: changes in ascending order of `seq`. Persistence's access statement is one. */
export interface AccessFacts {
  room: string
  /** `seq` of the last event that is covered. */
  seq: number
  /** Changes of `room.history`. The first mode also holds before the first change: `room.created` names it. */
  history: Change[]
  /** Changes of the reader's membership, as `membershipAfter` gives them. */
  membership: Change[]
  /** Access mode now. */
  access: string
  deleted: boolean
}

/** Who reads: a user, or nobody known. */
export interface Reader {
  /** Absent = anonymous. */
  user?: string
  /** As a door writes them for this room. */
  rights?: { read?: boolean; logs?: boolean; admin?: boolean; scopes?: readonly string[] }
  /** `<t>` or `<t>/<role>`, of the token. */
  teams?: readonly string[]
}

/** One reader's access to one room: grows with the log, answers for any `seq` that it covers. */
export class AccessTimeline {
  private facts: AccessFacts

  constructor(
    facts: AccessFacts,
    /** May be replaced, when a token is refreshed. */
    public reader: Reader,
  ) {
    this.facts = { ...facts, history: [...facts.history], membership: [...facts.membership] }
  }

  /** The timeline of a room of which nothing has been read yet. */
  static empty(room: string, reader: Reader): AccessTimeline {
    return new AccessTimeline({ room, seq: 0, history: [], membership: [], access: 'limited', deleted: false }, reader)
  }

  /** The facts so far, to be kept or sent. */
  snapshot(): AccessFacts {
    return { ...this.facts, history: [...this.facts.history], membership: [...this.facts.membership] }
  }

  /**
   * Extends the timeline by the next event of the room; says whether it changed who may see what. What it covers already
   * changes nothing. Events for which `isAccessEvent` is false need not be given, but `seq` then stays behind.
   */
  extend(event: { type: string; seq: number; user?: string; content?: RawJson }): boolean {
    const { facts } = this
    if (event.seq <= facts.seq) return false
    facts.seq = event.seq
    if (!isAccessEvent(event.type)) return false
    const membership = membershipAfter[event.type]
    if (membership !== undefined) return event.user === this.reader.user && facts.membership.push([event.seq, membership]) > 0
    if (event.type === 'room.deleted') facts.deleted = true
    const { value, history } = JSON.parse(event.content ?? '{}') as { value?: string; history?: string }
    if (event.type === 'room.access') facts.access = value!
    if (event.type === 'room.history') facts.history.push([event.seq, value!])
    if (event.type === 'room.created') facts.history.push([event.seq, history!])
    return true
  }

  /** Whether the reader may see the event at `seq`. Of a deleted room only its end is left. */
  maySee(seq: number): boolean {
    if (this.facts.deleted && seq !== this.facts.seq) return false
    return this.readsAll() || this.isOpen(seq, seq - 1) || this.isOpen(seq, seq)
  }

  /** Whether the reader may see what is appended from now on, as things stand. */
  mayReadNow(): boolean {
    const { deleted } = this.facts
    return !deleted && (this.readsAll() || this.isOpen(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY))
  }

  /** Whether there is anything in the room that the reader may see; if not, the room looks as if it did not exist. */
  mayReadAny(): boolean {
    if (this.facts.deleted) return false
    if (this.mayReadNow() || this.maySee(1)) return true
    return [...this.facts.history, ...this.facts.membership].some(([seq]) => this.maySee(seq))
  }

  /** By what kind of room it is, or by the token. A ban wins over a grant. */
  private readsAll(): boolean {
    const { room, membership } = this.facts
    const { user, rights } = this.reader
    const kind = roomKind(room)
    if (rights?.scopes?.includes('admin')) return true
    if (kind === 'inbox') return user !== undefined && room === inboxOf(user)
    if (rights?.scopes?.includes('read')) return true
    if (kind !== 'room' || membership.at(-1)?.[1] === 'banned') return false
    return grantsReading(room, rights)
  }

  /** What is in force once the event at `point` is folded, applied to the event at `seq`. */
  private isOpen(seq: number, point: number): boolean {
    const { room, history, membership, access } = this.facts
    if (roomKind(room) !== 'room') return false
    const mode = valueAt(history, point) ?? history[0]?.[1] ?? 'shared'
    if (mode === 'world') return this.reader.user !== undefined || access === 'public'
    if (mode === 'shared') return seq <= endOfLastStay(membership)
    const is = valueAt(membership, point)
    return is === 'joined' || (mode === 'invited' && is === 'invited')
  }
}

/** Whether an event of this type can change who may see what. */
export function isAccessEvent(type: string): boolean {
  return Object.hasOwn(membershipAfter, type) || roomTypes.has(type)
}

/** Whether a token's grants let its user read the room as if its history were `world`. `logs` opens only rooms of logs. */
export function grantsReading(room: string, rights: Reader['rights']): boolean {
  return rights?.read === true || rights?.admin === true || (rights?.logs === true && room.endsWith('_logs'))
}

/** Whether a system event's `readers` include this reader. A team includes all its roles. */
export function isReader(readers: readonly string[], { user, teams = [] }: Reader): boolean {
  return readers.some((reader) => {
    if (reader === 'any') return true
    if (user === undefined) return false
    if (reader === 'users' || reader === `user:${user}`) return true
    if (!reader.startsWith('team:')) return false
    const team = reader.slice('team:'.length)
    return teams.includes(team) || (!team.includes('/') && teams.some((one) => one.startsWith(`${team}/`)))
  })
}

const roomTypes = new Set(['room.created', 'room.history', 'room.access', 'room.deleted'])

/** The value in force once everything up to `seq` is folded. */
function valueAt(changes: readonly Change[], seq: number): string | undefined {
  let low = 0
  let high = changes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (changes[middle]![0] <= seq) low = middle + 1
    else high = middle
  }
  return changes[low - 1]?.[1]
}

/** `seq` of the event that ended the last time as a member: that event is still seen. Infinite while it lasts, -1 without any. */
function endOfLastStay(membership: readonly Change[]): number {
  for (let i = membership.length - 1; i >= 0; i--) {
    if (membership[i]![1] === 'joined') return membership[i + 1]?.[0] ?? Number.POSITIVE_INFINITY
  }
  return -1
}
