/**
 * Who is present in a room over all edges, as their leases say. The newest lease of an edge replaces its one before; an edge that
 * is not heard of for the length of a lease has nobody there. Those who follow a room are told what has changed.
 */
import type { LogRecord } from '@roomlog/log'
import type { Attendant, Audience } from './audience.js'
import { Frame } from './frame.js'
import type { Clock } from './ports.js'
import type { Lease } from './presence.js'

export interface Present {
  user: string
  presence: 'online' | 'away' | 'offline'
}

/** Either who is there, or, in a large room, how many. */
export type OccupancyAnswer = { room: string; count: number; users?: Present[] }

interface EdgeLease {
  online: readonly string[]
  away: readonly string[]
  count: number
  until: number
}

interface Occupied {
  edges: Map<string, EdgeLease>
  shown: Map<string, Present['presence']>
  shownCount: number | undefined
}

export class Occupancy {
  private readonly rooms = new Map<string, Occupied>()
  private readonly changed = new Set<string>()
  private readonly asked = new Map<string, number>()
  private soon: { cancel(): void } | undefined
  private sweep: { cancel(): void } | undefined

  constructor(
    private readonly audience: Audience,
    private readonly clock: Clock,
    private readonly options: { leaseMs: number; membersMax: number },
  ) {}

  receive(record: LogRecord, receivedAt = this.clock.now()): void {
    const { edge } = record.headers
    if (edge === undefined || record.value === null) return
    for (const lease of JSON.parse(record.value.toString()) as Lease[]) {
      if (this.isWanted(lease[0])) this.take(edge, lease, receivedAt + this.options.leaseMs)
    }
    this.sweep ??= this.clock.after(sweepMs, () => this.expire())
  }

  /** True if leases of the room have been listened to for long enough that every edge has told its own. */
  isComplete(room: string, sinceMs: number): boolean {
    const since = this.asked.get(room)
    return since !== undefined && since <= this.clock.now() - sinceMs
  }

  /** Leases of the room are kept from now on; said again from time to time while somebody wants to know. */
  want(room: string): void {
    if (!this.asked.has(room)) this.asked.set(room, this.clock.now())
  }

  unwant(room: string): void {
    this.asked.delete(room)
    this.rooms.delete(room)
  }

  present(room: string): OccupancyAnswer {
    const { users, count } = this.merged(this.rooms.get(room))
    if (count !== undefined) return { room, count }
    return { room, count: users.size, users: [...users].map(([user, presence]) => ({ user, presence })) }
  }

  close(): void {
    this.soon?.cancel()
    this.sweep?.cancel()
  }

  private isWanted(room: string): boolean {
    return this.asked.has(room)
  }

  private take(edge: string, lease: Lease, until: number): void {
    const [room, named, away = []] = lease
    let occupied = this.rooms.get(room)
    if (!occupied) this.rooms.set(room, (occupied = { edges: new Map(), shown: new Map(), shownCount: undefined }))
    const online = typeof named === 'number' ? [] : named
    const count = typeof named === 'number' ? named : online.length + away.length
    if (count === 0) occupied.edges.delete(edge)
    else if ((occupied.edges.get(edge)?.until ?? 0) <= until) occupied.edges.set(edge, { online, away, count, until })
    this.change(room)
  }

  private change(room: string): void {
    this.changed.add(room)
    this.soon ??= this.clock.after(coalesceMs, () => {
      this.soon = undefined
      const rooms = [...this.changed]
      this.changed.clear()
      for (const id of rooms) this.show(id)
    })
  }

  private show(room: string): void {
    const occupied = this.rooms.get(room)
    if (!occupied) return
    const { users, count } = this.merged(occupied)
    if (count !== undefined) {
      occupied.shown.clear()
      if (count !== occupied.shownCount) this.deliver(room, JSON.stringify({ signal: { room, type: 'presence', count } }))
      occupied.shownCount = count
      return
    }
    const changes: Present[] = []
    for (const [user, presence] of users) if (occupied.shown.get(user) !== presence) changes.push({ user, presence })
    for (const user of occupied.shown.keys()) if (!users.has(user)) changes.push({ user, presence: 'offline' })
    occupied.shown = users
    occupied.shownCount = undefined
    if (changes.length > 0) this.deliver(room, changes)
    if (occupied.edges.size === 0) this.rooms.delete(room)
  }

  private deliver(room: string, what: string | Present[]): void {
    const text = (users: Present[]) => JSON.stringify({ signal: { room, type: 'presence', users } })
    const all = Frame.text(typeof what === 'string' ? what : text(what))
    this.audience.deliver('presence', room, ({ context: { wanted } }: Attendant) => {
      if (!wanted.users || typeof what === 'string') return all
      const users = what.filter(({ user }) => wanted.users!.has(user))
      return users.length > 0 ? Frame.text(text(users)) : undefined
    })
  }

  private merged(occupied: Occupied | undefined): { users: Map<string, Present['presence']>; count?: number } {
    const users = new Map<string, Present['presence']>()
    let sum = 0
    let counted = false
    const now = this.clock.now()
    for (const { online, away, count, until } of occupied?.edges.values() ?? []) {
      if (until <= now) continue
      sum += count
      if (online.length + away.length < count) counted = true
      for (const user of away) if (!users.has(user)) users.set(user, 'away')
      for (const user of online) users.set(user, 'online')
    }
    return counted || users.size > this.options.membersMax ? { users, count: counted ? sum : users.size } : { users }
  }

  private expire(): void {
    const now = this.clock.now()
    for (const [room, { edges }] of this.rooms) {
      for (const [edge, { until }] of edges) {
        if (until > now) continue
        edges.delete(edge)
        this.change(room)
      }
    }
    this.sweep = this.rooms.size > 0 ? this.clock.after(sweepMs, () => this.expire()) : undefined
  }
}

const coalesceMs = 100
const sweepMs = 500
