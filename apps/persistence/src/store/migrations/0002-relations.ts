import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What messages have to do with each other, and with people: reactions, threads, mentions. Events are named by ID, as they name each other. */
export class Relations1700000000002 implements MigrationInterface {
  readonly name = 'Relations1700000000002'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['reactions', 'threads', 'mentions']) await runner.query(`drop table ${table}`)
  }
}

const id = 'text collate "C"'

const statements = [
  // The reactions that stand: a set. seq: of the event that gave it last.
  `create table reactions (
    room ${id} not null, ref ${id} not null, user_id ${id} not null, key ${id} not null, seq bigint not null,
    primary key (room, ref, user_id, key)
  )`,
  `create index reactions_seq on reactions (room, seq)`,
  `create table threads (
    room ${id} not null, root ${id} not null, place bigint not null, seq bigint not null, message boolean not null,
    primary key (room, root, place, seq)
  )`,
  `create table mentions (
    room ${id} not null, user_id ${id} not null, seq bigint not null, sender ${id} not null,
    primary key (room, user_id, seq)
  )`,
]
