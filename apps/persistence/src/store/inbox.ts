import { inboxOf } from '@roomlog/domain'
import { partitionOf, position } from '@roomlog/log'
import { eventsTopic } from '@roomlog/protocol'
import { UserRoom } from './entities.js'
import type { Source } from './source.js'

/** A user's inbox as far as it is stored. */
export interface Inbox {
  position: string
  rooms: UserRoom[]
}

/** Check of a position before the first event. */
const noCheck = '--------'

/** Undefined = nothing of the inbox's partition is stored yet, not even its identity. */
export async function readInbox(source: Source, user: string, partitions: number): Promise<Inbox | undefined> {
  const partition = partitionOf(inboxOf(user), partitions)
  const [row] = (await source.query(
    `select c.epoch, c."offset" as through, e."offset", e.seq, e.proof from checkpoints c
     left join rooms r on r.room = $1 left join events e on e.room = r.room and e.seq = r.seq
     where c.topic = $2 and c.partition = $3`,
    [inboxOf(user), eventsTopic('user'), partition],
  )) as { epoch: string; through: number; offset: number | null; seq: number | null; proof: string | null }[]
  if (!row) return undefined
  const { epoch, through, offset, seq, proof } = row
  return {
    position: position({ epoch, partition, offset: offset ?? through, seq: seq ?? 0, check: proof ?? noCheck }),
    rooms: await source.getRepository(UserRoom).find({ where: { user }, order: { room: 'asc' } }),
  }
}

/** The partitions of the rooms, as far as they are stored: epoch and next offset. */
export async function roomPartitions(
  source: Source,
  partitions: readonly number[],
): Promise<Map<number, { epoch: string; offset: number }>> {
  const rows = (await source.query(
    `select partition, epoch, "offset" from checkpoints where topic = $1 and partition = any ($2::int[]) order by partition`,
    [eventsTopic('room'), partitions],
  )) as { partition: number; epoch: string; offset: number }[]
  return new Map(rows.map(({ partition, ...row }) => [partition, row]))
}
