import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The order in which a search answers: a word that is nearly everywhere is found from the newest on, without sorting all that match. */
export class SearchOrder1700000000006 implements MigrationInterface {
  readonly name = 'SearchOrder1700000000006'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index words_time on words (at desc, room desc, seq desc)')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index words_time')
  }
}
