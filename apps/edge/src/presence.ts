/**
 * Who of this edge's users is present in which room, told to all edges as leases over `room.ephemeral`.
 *
 * A user is present in a room while a subscription of theirs includes it and they are a member, and a lease longer; they are as
 * present as the most present of their devices. What changes is told within `changeMs`; everything is told again every
 * `renewMs`, so that an edge that dies takes its users with it when the lease ends. A record holds the leases of many rooms of one
 * partition: the cost follows the rooms on screen here, and neither their members nor the events in them.
 */
import { recordVersion } from '@roomlog/protocol'
import type { Access } from './access.js'
import type { EphemeralLog } from './ephemeral-log.js'
import type { Clock } from './ports.js'

export const presenceStates = ['online', 'away', 'offline'] as const
export type PresenceState = (typeof presenceStates)[number]

/** One room's lease: who is online and who is away, or only how many are present. */
export type Lease = [room: string, online: string[], away: string[]] | [room: string, count: number]

interface Device {
  state: PresenceState
  /** Subscriptions to rooms. */
  uses: number
  /** When it is forgotten, once it has none. */
  until: number
}

interface Person {
  devices: Map<string, Device>
  rooms: Set<string>
}

interface Stay {
  uses: number
  until: number
  access: Access
}

export interface PresenceOptions {
  /** What this edge is called in its leases. */
  edge: string
  leaseMs: number
  /** Present users of one room and edge up to which they are named. */
  membersMax: number
  onPublished(leases: number): void
}

export class Presence {
  private readonly people = new Map<string, Person>()
  private readonly rooms = new Map<string, Map<string, Stay>>()
  private readonly changed = new Set<string>()
  private soon: { cancel(): void } | undefined
  private renewal: { cancel(): void } | undefined

  constructor(
    private readonly log: EphemeralLog,
    private readonly clock: Clock,
    private readonly options: PresenceOptions,
  ) {}

  enter(room: string, user: string, device: string, access: Access): void {
    const person = this.person(user)
    this.device(person, device).uses++
    person.rooms.add(room)
    let stays = this.rooms.get(room)
    if (!stays) this.rooms.set(room, (stays = new Map()))
    const stay = stays.get(user)
    if (stay) {
      stay.uses++
      stay.access = access
    } else stays.set(user, { uses: 1, until: 0, access })
    this.change(room)
    this.renewal ??= this.clock.after(renewMs, () => this.renew())
  }

  leave(room: string, user: string, device: string): void {
    const until = this.clock.now() + this.options.leaseMs
    const found = this.people.get(user)?.devices.get(device)
    if (found && --found.uses === 0) found.until = until
    const stay = this.rooms.get(room)?.get(user)
    if (stay && --stay.uses === 0) stay.until = until
    // Who was removed is gone at once.
    if (stay && !stay.access.joined) this.change(room)
  }

  /** Of one device, from now on. True if it was so already; false where that is news, or the device not here. */
  set(user: string, device: string, state: PresenceState): boolean {
    const person = this.people.get(user)
    const found = person?.devices.get(device)
    if (!person || !found) return false
    if (found.state === state) return true
    found.state = state
    for (const room of person.rooms) this.change(room)
    return false
  }

  close(): void {
    this.soon?.cancel()
    this.renewal?.cancel()
  }

  private person(user: string): Person {
    let person = this.people.get(user)
    if (!person) this.people.set(user, (person = { devices: new Map(), rooms: new Set() }))
    return person
  }

  private device(person: Person, id: string): Device {
    let device = person.devices.get(id)
    if (!device) person.devices.set(id, (device = { state: 'online', uses: 0, until: 0 }))
    return device
  }

  private change(room: string): void {
    this.changed.add(room)
    this.soon ??= this.clock.after(changeMs, () => {
      this.soon = undefined
      const rooms = [...this.changed]
      this.changed.clear()
      this.publish(rooms)
    })
  }

  /** Forgets who has been gone for a lease, and tells of everybody else again. */
  private renew(): void {
    const now = this.clock.now()
    const rooms = [...this.rooms.keys()]
    for (const [room, stays] of this.rooms) {
      for (const [user, stay] of stays) {
        if (stay.uses > 0 || stay.until > now) continue
        stays.delete(user)
        this.people.get(user)?.rooms.delete(room)
      }
      if (stays.size === 0) this.rooms.delete(room)
    }
    for (const [user, { devices, rooms: present }] of this.people) {
      for (const [id, { uses, until }] of devices) if (uses === 0 && until <= now) devices.delete(id)
      if (devices.size === 0 && present.size === 0) this.people.delete(user)
    }
    this.publish(rooms)
    this.renewal = this.people.size > 0 ? this.clock.after(renewMs, () => this.renew()) : undefined
  }

  private publish(rooms: readonly string[]): void {
    if (rooms.length === 0) return
    const partitions = new Map<number, Lease[]>()
    for (const room of rooms) {
      const partition = this.log.partitionOf(room)
      const leases = partitions.get(partition)
      if (leases) leases.push(this.lease(room))
      else partitions.set(partition, [this.lease(room)])
    }
    for (const [partition, leases] of partitions) void this.log.publish(partition, [...this.records(leases)])
    this.options.onPublished(rooms.length)
  }

  private lease(room: string): Lease {
    const online: string[] = []
    const away: string[] = []
    const now = this.clock.now()
    for (const [user, { uses, until, access }] of this.rooms.get(room) ?? []) {
      if (!access.joined || (uses === 0 && until <= now)) continue
      const state = this.stateOf(user, now)
      if (state === 'online') online.push(user)
      else if (state === 'away') away.push(user)
    }
    return online.length + away.length > this.options.membersMax ? [room, online.length + away.length] : [room, online, away]
  }

  private stateOf(user: string, now: number): PresenceState {
    let best: PresenceState = 'offline'
    for (const { state, uses, until } of this.people.get(user)?.devices.values() ?? []) {
      if (uses === 0 && until <= now) continue
      if (state === 'online') return state
      if (state === 'away') best = state
    }
    return best
  }

  private *records(leases: readonly Lease[]) {
    const headers = { v: recordVersion, kind: 'presence', edge: this.options.edge }
    for (let i = 0; i < leases.length; ) {
      const chunk: Lease[] = []
      for (let weight = 0; i < leases.length && weight < weightMax; i++) {
        const lease = leases[i]!
        chunk.push(lease)
        weight += 2 + (Array.isArray(lease[1]) ? lease[1].length + lease[2]!.length : 0)
      }
      yield { key: null, value: JSON.stringify(chunk), headers }
    }
  }
}

/** From a change to the record that tells it. */
const changeMs = 200
/** Less than the 5 s that are promised, by what a busy process may be late. */
const renewMs = 4_500
/** Names in one record, about: some ten KiB. */
const weightMax = 500
