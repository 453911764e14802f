import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The words of messages, for full-text search; filled by the indexer, behind the archiver. */
export class Search1700000000004 implements MigrationInterface {
  readonly name = 'Search1700000000004'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table words')
    await runner.query('drop table indexed')
  }
}

const id = 'text collate "C"'

const statements = [
  `create table words (
    room ${id} not null, seq bigint not null, at bigint not null, sender ${id} not null, type ${id} not null, words tsvector not null,
    primary key (room, seq)
  )`,
  `create index words_words on words using gin (words)`,
  // How far the events of a partition are indexed.
  `create table indexed (partition int primary key, "offset" bigint not null default 0)`,
]
