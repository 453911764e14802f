import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The devices that users have, and which of them are signed out. */
export class Devices1700000000003 implements MigrationInterface {
  readonly name = 'Devices1700000000003'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table devices')
    await runner.query('drop table revocations')
    await runner.query('drop sequence revocation_changes')
  }
}

const id = 'text collate "C"'

const statements = [
  // When a device was seen to do something, to the minute.
  `create table devices (
    user_id ${id} not null, device ${id} not null, first_seen bigint not null, last_seen bigint not null,
    primary key (user_id, device)
  ) with (fillfactor = 70)`,
  `create sequence revocation_changes`,
  // at: tokens issued up to then are none. change: the order in which copies of this list learn of it.
  `create table revocations (
    user_id ${id} not null, device ${id} not null, at bigint not null, change bigint not null default nextval('revocation_changes'),
    primary key (user_id, device)
  )`,
  `create index revocations_change on revocations (change)`,
]
