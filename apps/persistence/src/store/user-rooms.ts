import type { DataSource, EntityManager } from 'typeorm'
import type { HistoryEvent } from './history.js'

/** A room as one of its members (or invited) finds it in a list, with its last event and its last message. */
export interface UserRoomRow {
  room: string
  membership: string
  type: string | null
  name: string | null
  topic_text: string | null
  avatar: string | null
  access: string | null
  history: string | null
  partition: number
  joined: number
  seq: number
  epoch: string
  /** Everything of the partition before it is stored. */
  through: number
  last_offset: number
  last_proof: string
  last_message: HistoryEvent | null
  /** Of one's own membership. */
  member_seq: number
}

export interface UserRoomsQuery {
  user: string
  memberships?: readonly string[]
  rooms?: readonly string[]
  /** Room ID; exclusive. */
  after?: string
  limit: number
}

/** By the memberships that the rooms themselves state. */
export async function userRooms(source: DataSource | EntityManager, query: UserRoomsQuery): Promise<UserRoomRow[]> {
  const { user, memberships = ['joined', 'invited'], rooms = null, after = '', limit } = query
  const rows = (await source.query(sql, [user, memberships, rooms, after, limit])) as (UserRoomRow & { message: HistoryEvent | null })[]
  return rows
}

const sql = `
  select m.room, m.membership, m.seq as member_seq, r.type, r.name, r.topic_text, r.avatar, r.access, r.history, r.partition, r.joined, r.seq,
    c.epoch, c."offset" as through, e."offset" as last_offset, e.proof as last_proof,
    (select row_to_json(x) from (select l.seq, l.place, l.partition, l."offset", l.proof, l.type, l.sender, l.device, l.action, l.value
      from events l where l.room = r.room and l.seq = r.last_message) x) as last_message
  from members m
  join rooms r on r.room = m.room and r.deleted_seq is null
  join checkpoints c on c.topic = r.topic and c.partition = r.partition
  join events e on e.room = r.room and e.seq = r.seq
  where m.user_id = $1 and m.membership = any ($2::text[]) and ($3::text[] is null or m.room = any ($3::text[])) and m.room > $4
  order by m.room limit $5`
