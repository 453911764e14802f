/**
 * Events → rows. A pure fold of what one transaction stores: per table the rows to insert, or, where a row is replaced, only
 * its last form, because one statement may touch a row once.
 */
import { membershipAfter, type RawJson, type RoomEvent, revocationOf } from '@roomlog/domain'
import { deletionOf } from '@roomlog/protocol'
import { Contradiction } from '../contradiction.js'
import type { ArchivedEvent, Slice } from '../slice.js'
import { isMessage } from './message.js'
import { Relations } from './relations.js'
import type { DeviceRow, ErasureRow, MemberRow, RoomRow, Rows, StateRow, UserRoomRow } from './rows.js'

export function fold(slices: readonly Slice[]): Rows {
  const folding = new Folding()
  for (const slice of slices) for (const archived of slice.events) folding.add(slice, archived)
  return folding.rows()
}

class Folding {
  private readonly events: ArchivedEvent[] = []
  private readonly roomRows = new Map<string, RoomRow>()
  private readonly state = new Map<string, StateRow>()
  private readonly members = new Map<string, MemberRow>()
  private readonly memberChanges: Rows['memberChanges'] = []
  private readonly historyChanges: Rows['historyChanges'] = []
  private readonly erasures: ErasureRow[] = []
  private readonly aliases = new Map<string, Rows['aliases'][number]>()
  private readonly userRooms = new Map<string, UserRoomRow>()
  private readonly markers = new Map<string, Rows['markers'][number]>()
  private readonly profiles = new Map<string, Rows['profiles'][number]>()
  private readonly relations = new Relations()
  private readonly devices = new Map<string, DeviceRow>()
  private readonly revocations = new Map<string, Rows['revocations'][number]>()

  rows(): Rows {
    const { events, memberChanges, historyChanges, erasures, relations } = this
    const [rooms, state, members, aliases] = [this.roomRows, this.state, this.members, this.aliases].map((map) => [
      ...map.values(),
    ]) as never[]
    const [userRooms, markers, profiles] = [this.userRooms, this.markers, this.profiles].map((map) => [...map.values()]) as never[]
    return {
      events,
      memberChanges,
      historyChanges,
      erasures,
      relations,
      devices: [...this.devices.values()],
      revocations: [...this.revocations.values()],
      rooms: rooms!,
      state: state!,
      members: members!,
      aliases: aliases!,
      userRooms: userRooms!,
      markers: markers!,
      profiles: profiles!,
    }
  }

  add(slice: Slice, archived: ArchivedEvent): void {
    const { event } = archived
    this.events.push(archived)
    const room = this.room(slice, event)
    this.relations.add(event)
    if (event.device) this.seen(event, event.device)
    if (event.erases !== undefined)
      this.erasures.push({ room: event.room, seq: event.erases, bySeq: event.seq, deletion: deletionOf(event) })
    if (event.type.startsWith('member.')) this.member(event)
    else if (event.room.startsWith('@')) this.inbox(event)
    else if (event.room.startsWith('#')) this.alias(event)
    else if (event.key !== undefined) this.keyed(room, event, event.key)
    if (event.type === 'room.created') this.created(room, event)
    else if (event.type === 'room.deleted') room.deletedSeq = event.seq
  }

  /** Services that speak for somebody have devices of their own. */
  private seen({ sender, at }: RoomEvent, device: string): void {
    const key = `${sender.id}\n${device}`
    const row = this.devices.get(key)
    if (!row) this.devices.set(key, { user: sender.id, device, firstSeen: at, lastSeen: at })
    else if (at > row.lastSeen) row.lastSeen = at
    else if (at < row.firstSeen) row.firstSeen = at
  }

  private room(slice: Slice, event: RoomEvent): RoomRow {
    let row = this.roomRows.get(event.room)
    if (!row) {
      row = {
        room: event.room,
        topic: slice.topic,
        partition: slice.partition,
        first: event.seq,
        seq: event.seq - 1,
        createdAt: event.at,
        updatedAt: event.at,
        messages: 0,
        lastMessage: null,
        deletedSeq: null,
        changes: new Map(),
      }
      this.roomRows.set(event.room, row)
    }
    if (event.seq !== row.seq + 1) throw new Contradiction(`room ${event.room}: seq ${event.seq} follows ${row.seq}`)
    row.seq = event.seq
    row.updatedAt = event.at
    if (isMessage(event)) {
      row.messages++
      row.lastMessage = event.seq
    }
    return row
  }

  private created(room: RoomRow, event: RoomEvent): void {
    const { type, access, history } = members(event.content)
    room.changes.set('type', text(type))
    if (text(access)) room.changes.set('access', text(access))
    if (text(history)) this.history(room, event.seq, text(history)!)
  }

  private history(room: RoomRow, seq: number, value: string): void {
    room.changes.set('history', value)
    this.historyChanges.push({ room: room.room, seq, value })
  }

  private keyed(room: RoomRow, event: RoomEvent, key: string): void {
    this.state.set(`${event.room}\n${event.type}\n${key}`, {
      room: event.room,
      type: event.type,
      key,
      seq: event.seq,
      content: event.content,
    })
    if (key !== '' || !foldedTypes.has(event.type)) return
    const { value } = members(event.content)
    if (event.type === 'room.history') this.history(room, event.seq, text(value) ?? 'shared')
    else if (event.type === 'room.listed') room.changes.set('listed', value === true)
    else room.changes.set(event.type.slice('room.'.length), text(value))
  }

  /** The alias's own room says whose it is, in one order for all who want it. */
  private alias(event: RoomEvent): void {
    const alias = event.room.slice(1)
    if (event.type === 'alias.claim') this.aliases.set(alias, { alias, room: text(members(event.content).room), seq: event.seq })
    if (event.type === 'alias.release') this.aliases.set(alias, { alias, room: null, seq: event.seq })
  }

  private member(event: RoomEvent): void {
    const user = event.user ?? event.key ?? event.sender.id
    const at = `${event.room}\n${user}`
    const row = this.members.get(at) ?? { room: event.room, user, membership: null, seq: null, profiled: false, name: null, avatar: null }
    this.members.set(at, row)
    const membership = membershipAfter[event.type]
    if (membership) {
      row.membership = membership
      row.seq = event.seq
      this.memberChanges.push({ room: event.room, user, seq: event.seq, value: membership })
    }
    if (event.type !== 'member.profile' && !(membership === 'joined' && event.sender.id === user)) return
    const profile = event.type === 'member.profile' ? members(event.content) : event.sender
    // Whoever comes again without a name keeps the one they had.
    if (membership && profile.name === undefined && profile.avatar === undefined) return
    Object.assign(row, { profiled: true, name: text(profile.name), avatar: text(profile.avatar) })
  }

  private inbox(event: RoomEvent): void {
    const user = event.room.slice(1)
    const content = members(event.content)
    const { seq, type } = event
    if (type === 'profile.changed') this.profiles.set(user, { user, seq, name: text(content.name), avatar: text(content.avatar) })
    if (type === 'room.marker' && event.key !== undefined) {
      this.markers.set(`${user}\n${event.key}`, {
        user,
        room: event.key,
        seq,
        roomSeq: number(content.seq) ?? 0,
        event: text(content.event),
      })
    }
    const revoked = revocationOf(event)
    if (revoked) this.revocations.set(`${user}\n${revoked.device}`, revoked)
    const kind = inboxKinds[type]
    const room = text(content.room)
    if (!kind || !room) return
    const at = `${user}\n${room}`
    const roomSeq = number(content.seq)
    // A room's notices come in its order; an older one changes nothing.
    if ((this.userRooms.get(at)?.roomSeq ?? 0) > (roomSeq ?? 0)) return
    const place = { roomPartition: number(content.partition), roomOffset: number(content.offset), roomSeq }
    this.userRooms.set(at, { user, room, kind, seq, ...place, by: text(content.by), name: text(content.name), content: event.content })
  }
}

/** State with key "" that is a column of the room. */
const foldedTypes = new Set(['room.name', 'room.topic', 'room.avatar', 'room.access', 'room.history', 'room.listed'])

const inboxKinds: Record<string, string> = {
  'room.joined': 'joined',
  'room.left': 'left',
  'room.invited': 'invited',
  'room.followed': 'followed',
}

/** The members of a content that is the domain's own; empty for anything but an object. */
function members(content: RawJson): Record<string, unknown> {
  const parsed: unknown = JSON.parse(content)
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
}

/** PostgreSQL's text has no NUL. */
function text(value: unknown): string | null {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : null
}

function number(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null
}
