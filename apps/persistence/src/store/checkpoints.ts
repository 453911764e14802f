import { epochOf } from '@roomlog/log'
import type { DataSource } from 'typeorm'
import { Checkpoint } from './entities.js'

/** The checkpoint of a partition; a row at offset 0 is made on first use. */
export async function openCheckpoint(dataSource: DataSource, topic: string, partition: number, topicId: string): Promise<Checkpoint> {
  await dataSource.query('insert into checkpoints (topic, partition, epoch) values ($1, $2, $3) on conflict do nothing', [
    topic,
    partition,
    epochOf(topicId, ''),
  ])
  return dataSource.getRepository(Checkpoint).findOneByOrFail({ topic, partition })
}

export async function readCheckpoint(dataSource: DataSource, topic: string, partition: number): Promise<Checkpoint | undefined> {
  return (await dataSource.getRepository(Checkpoint).findOneBy({ topic, partition })) ?? undefined
}

export async function readCheckpoints(dataSource: DataSource): Promise<Checkpoint[]> {
  return dataSource.getRepository(Checkpoint).find({ order: { topic: 'asc', partition: 'asc' } })
}
