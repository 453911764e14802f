import { partitionOf } from '@roomlog/log'
import { eventsTopic, familyOf } from '@roomlog/protocol'
import type { Source } from './source.js'

/** The room's erased seqs, ascending, and the offset at which the list is complete. */
export async function erasedOf(source: Source, room: string, partitions: number): Promise<{ erased: number[]; through: number }> {
  const [row] = (await source.query(
    `select coalesce((select json_agg(seq order by seq) from erased where room = $1), '[]') as erased,
       coalesce((select "offset" from checkpoints where topic = $2 and partition = $3), 0) as through`,
    [room, eventsTopic(familyOf(room)), partitionOf(room, partitions)],
  )) as [{ erased: number[]; through: number }]
  return row
}
