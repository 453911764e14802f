/** What one transaction stores, by table: rows to insert, or the last form of rows that are replaced. */
import type { RawJson } from '@roomlog/domain'
import type { Deletion } from '@roomlog/protocol'
import type { ArchivedEvent } from '../slice.js'
import type { Relations } from './relations.js'

export interface RoomRow {
  room: string
  topic: string
  partition: number
  first: number
  seq: number
  createdAt: number
  updatedAt: number
  messages: number
  lastMessage: number | null
  deletedSeq: number | null
  /** Folded state events by type; absent = unchanged. */
  changes: Map<string, unknown>
}

export interface MemberRow {
  room: string
  user: string
  membership: string | null
  seq: number | null
  /** The event says what the name and avatar are now (also: none). */
  profiled: boolean
  name: string | null
  avatar: string | null
}

export interface StateRow {
  room: string
  type: string
  key: string
  seq: number
  content: RawJson
}

export interface ErasureRow {
  room: string
  seq: number
  bySeq: number
  deletion: Deletion
}

export interface UserRoomRow {
  user: string
  room: string
  kind: string
  seq: number
  roomPartition: number | null
  roomOffset: number | null
  roomSeq: number | null
  by: string | null
  name: string | null
  content: RawJson
}

export interface DeviceRow {
  user: string
  device: string
  firstSeen: number
  lastSeen: number
}

export interface Rows {
  events: ArchivedEvent[]
  rooms: RoomRow[]
  state: StateRow[]
  members: MemberRow[]
  memberChanges: { room: string; user: string; seq: number; value: string }[]
  historyChanges: { room: string; seq: number; value: string }[]
  erasures: ErasureRow[]
  relations: Relations
  aliases: { alias: string; room: string | null; seq: number }[]
  userRooms: UserRoomRow[]
  markers: { user: string; room: string; seq: number; roomSeq: number; event: string | null }[]
  /** By user and device, to the minute. */
  devices: DeviceRow[]
  revocations: { user: string; device: string; at: number }[]
  profiles: { user: string; seq: number; name: string | null; avatar: string | null }[]
}
