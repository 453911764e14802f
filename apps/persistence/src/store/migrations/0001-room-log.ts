import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The first schema. Names are unqualified: the connection's `search_path` decides where they stand, so that a rebuild can
 * be made beside the live tables. Identifiers are compared by bytes (`collate "C"`).
 */
export class RoomLog1700000000001 implements MigrationInterface {
  readonly name = 'RoomLog1700000000001'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tables) await runner.query(`drop table ${table}`)
  }
}

const id = 'text collate "C"'

const statements = [
  // One row per partition: where its archiver stands, and what it last covered.
  `create table checkpoints (
    topic ${id} not null, partition int not null,
    "offset" bigint not null default 0, epoch text not null default '', incarnation text not null default '',
    last_offset bigint, last_proof text, events bigint not null default 0, at timestamptz not null default now(),
    primary key (topic, partition)
  ) with (fillfactor = 50)`,

  // value: the record's bytes as they are. place: the seq after which history shows the event. proof: the check of its ID.
  `create table events (
    room ${id} not null, seq bigint not null, place bigint not null,
    partition int not null, "offset" bigint not null, proof text not null,
    type ${id} not null, key ${id}, sender ${id} not null, at bigint not null,
    ref ${id}, follows text, device ${id}, action bigint, value text not null,
    primary key (room, seq)
  )`,
  `create index events_log on events (partition, "offset")`,
  `create index events_out_of_order on events (room, place, seq) where place <> seq`,
  `create index events_ref on events (room, ref) where ref is not null`,

  // Every entity of a log: rooms, inboxes and aliases. The columns after seq are the fold of the room's state.
  `create table rooms (
    room ${id} primary key, topic ${id} not null, partition int not null, seq bigint not null,
    created_at bigint not null, updated_at bigint not null, messages bigint not null default 0, last_message bigint,
    joined bigint not null default 0, type text,
    access text, history text, listed boolean not null default false,
    name text, topic_text text, avatar text, deleted_seq bigint
  ) with (fillfactor = 70)`,
  `create index rooms_listed on rooms (joined desc, room) where listed and deleted_seq is null`,

  `create table state (
    room ${id} not null, type ${id} not null, key ${id} not null, seq bigint not null, content text not null,
    primary key (room, type, key)
  )`,

  `create table members (
    room ${id} not null, user_id ${id} not null, membership text, seq bigint, name text, avatar text,
    primary key (room, user_id)
  )`,
  `create index members_user on members (user_id, room)`,
  `create index members_joined on members (room, user_id) where membership = 'joined'`,

  // What access is judged by: the history of the room's visibility, and of each membership.
  `create table history_changes (room ${id} not null, seq bigint not null, value text not null, primary key (room, seq))`,
  `create table member_changes (
    room ${id} not null, user_id ${id} not null, seq bigint not null, value text not null, primary key (room, user_id, seq)
  )`,

  // room: null = free again.
  `create table aliases (alias ${id} primary key, room ${id}, seq bigint not null)`,
  `create index aliases_room on aliases (room)`,
  `create table erased (room ${id} not null, seq bigint not null, by_seq bigint not null, primary key (room, seq))`,

  // The fold of the inboxes.
  `create table user_rooms (
    user_id ${id} not null, room ${id} not null, kind text not null, seq bigint not null,
    room_partition int, room_offset bigint, room_seq bigint, by_user text, name text, content text not null,
    primary key (user_id, room)
  )`,
  `create table markers (user_id ${id} not null, room ${id} not null, seq bigint not null, room_seq bigint not null, event text, primary key (user_id, room))`,
  `create table profiles (user_id ${id} primary key, seq bigint not null, name text, avatar text)`,

  // What an earlier incarnation of the log held and this one does not: kept, never served.
  `create table lost_events (
    topic ${id} not null, partition int not null, "offset" bigint not null, room ${id} not null, seq bigint not null,
    epoch text not null, value text not null, lost_at timestamptz not null default now()
  )`,
]

const tables = [
  'lost_events',
  'profiles',
  'markers',
  'user_rooms',
  'erased',
  'aliases',
  'member_changes',
  'history_changes',
  'members',
  'state',
  'rooms',
  'events',
  'checkpoints',
]
