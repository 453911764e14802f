/** The plain tables of the hot write: each row inserted, or put in the place of the one before. */
import { BulkInsert } from './bulk.js'
import type { Rows } from './rows.js'

export const state = new BulkInsert<Rows['state'][number]>(
  'state',
  {
    room: ['text', (row) => row.room],
    type: ['text', (row) => row.type],
    key: ['text', (row) => row.key],
    seq: ['bigint', (row) => row.seq],
    content: ['text', (row) => row.content],
  },
  'on conflict (room, type, key) do update set seq = excluded.seq, content = excluded.content',
)

export const memberChanges = new BulkInsert<Rows['memberChanges'][number]>('member_changes', {
  room: ['text', (row) => row.room],
  user_id: ['text', (row) => row.user],
  seq: ['bigint', (row) => row.seq],
  value: ['text', (row) => row.value],
})

export const historyChanges = new BulkInsert<Rows['historyChanges'][number]>('history_changes', {
  room: ['text', (row) => row.room],
  seq: ['bigint', (row) => row.seq],
  value: ['text', (row) => row.value],
})

export const aliases = new BulkInsert<Rows['aliases'][number]>(
  'aliases',
  { alias: ['text', (row) => row.alias], room: ['text', (row) => row.room], seq: ['bigint', (row) => row.seq] },
  'on conflict (alias) do update set room = excluded.room, seq = excluded.seq',
)

export const userRooms = new BulkInsert<Rows['userRooms'][number]>(
  'user_rooms',
  {
    user_id: ['text', (row) => row.user],
    room: ['text', (row) => row.room],
    kind: ['text', (row) => row.kind],
    seq: ['bigint', (row) => row.seq],
    room_partition: ['int', (row) => row.roomPartition],
    room_offset: ['bigint', (row) => row.roomOffset],
    room_seq: ['bigint', (row) => row.roomSeq],
    by_user: ['text', (row) => row.by],
    name: ['text', (row) => row.name],
    content: ['text', (row) => row.content],
  },
  `on conflict (user_id, room) do update set kind = excluded.kind, seq = excluded.seq, room_partition = excluded.room_partition,
    room_offset = excluded.room_offset, room_seq = excluded.room_seq, by_user = excluded.by_user, name = excluded.name, content = excluded.content
    where coalesce(user_rooms.room_seq, 0) <= coalesce(excluded.room_seq, 0)`,
)

export const markers = new BulkInsert<Rows['markers'][number]>(
  'markers',
  {
    user_id: ['text', (row) => row.user],
    room: ['text', (row) => row.room],
    seq: ['bigint', (row) => row.seq],
    room_seq: ['bigint', (row) => row.roomSeq],
    event: ['text', (row) => row.event],
  },
  'on conflict (user_id, room) do update set seq = excluded.seq, room_seq = excluded.room_seq, event = excluded.event',
)

export const profiles = new BulkInsert<Rows['profiles'][number]>(
  'profiles',
  {
    user_id: ['text', (row) => row.user],
    seq: ['bigint', (row) => row.seq],
    name: ['text', (row) => row.name],
    avatar: ['text', (row) => row.avatar],
  },
  'on conflict (user_id) do update set seq = excluded.seq, name = excluded.name, avatar = excluded.avatar',
)
