import type { RoomAccess } from './access.js'
import type { HistoryEvent } from './history.js'
import type { Source } from './source.js'

/** A room as one of its members (or invited) finds it in a list, with its last event and its last message. */
export interface UserRoom {
  room: string
  membership: string
  type: string | null
  name: string | null
  topic: string | null
  avatar: string | null
  history: string | null
  joined: number
  /** Content of `room.power`. */
  power: string | null
  lastEvent: { offset: number; seq: number; proof: string }
  lastMessage: HistoryEvent | null
  /** Of the listed user. */
  access: RoomAccess
}

export interface UserRoomsQuery {
  user: string
  memberships: readonly string[]
  /** Only these. */
  rooms?: readonly string[]
  /** Room ID; exclusive. */
  after?: string
  limit: number
}

/** By the memberships that the rooms themselves state, in the order of their IDs. One statement for all. */
export async function userRooms(source: Source, query: UserRoomsQuery): Promise<UserRoom[]> {
  const { user, memberships, rooms = null, after = '', limit } = query
  const rows = (await source.query(sql, [user, memberships, rooms, after, limit])) as Row[]
  return rows.map(({ access, partition, epoch, through, seq, history_changes, member_changes, ...row }) => ({
    ...row,
    access: {
      room: row.room,
      partition,
      epoch,
      through,
      exists: true,
      deleted: false,
      seq,
      access: access ?? 'limited',
      history: history_changes,
      membership: member_changes,
    },
  }))
}

interface Row extends Omit<UserRoom, 'access'> {
  access: string | null
  partition: number
  epoch: string
  through: number
  seq: number
  history_changes: [number, string][]
  member_changes: [number, string][]
}

const sql = `
  select m.room, m.membership, r.type, r.name, r.topic_text as topic, r.avatar, r.access, r.history, r.joined, r.partition, r.seq,
    c.epoch, c."offset" as through,
    (select s.content from state s where s.room = m.room and s.type = 'room.power' and s.key = '') as power,
    (select row_to_json(x) from (select e."offset", e.seq, e.proof from events e where e.room = m.room and e.seq = r.seq) x) as "lastEvent",
    (select row_to_json(x) from (select e.seq, e.place, e.partition, e."offset", e.proof, e.type, e.sender, e.device, e.action, e.value
      from events e where e.room = m.room and e.seq = r.last_message) x) as "lastMessage",
    (select coalesce(json_agg(json_build_array(h.seq, h.value) order by h.seq), '[]') from history_changes h where h.room = m.room) as history_changes,
    (select coalesce(json_agg(json_build_array(k.seq, k.value) order by k.seq), '[]') from member_changes k where k.room = m.room and k.user_id = $1) as member_changes
  from members m
  join rooms r on r.room = m.room and r.deleted_seq is null
  join checkpoints c on c.topic = r.topic and c.partition = r.partition
  where m.user_id = $1 and m.membership = any ($2::text[]) and ($3::text[] is null or m.room = any ($3::text[])) and m.room > $4
  order by m.room limit $5`
