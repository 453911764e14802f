import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The events from which a room's state and members at any time are folded, without the messages between. */
export class Past1700000000005 implements MigrationInterface {
  readonly name = 'Past1700000000005'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create index events_facts on events (room, seq) where key is not null or type like 'member.%' or type like 'room.%'`,
    )
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index events_facts')
  }
}
