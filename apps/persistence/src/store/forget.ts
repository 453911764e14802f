import { eventsTopic } from '@roomlog/protocol'
import type { DataSource } from 'typeorm'
import type { Checkpoint } from './entities.js'

/**
 * Takes everything of a partition out of the tables, so that it can be archived anew; its events are set aside. Nothing
 * happens (0) if another instance has done it, that is, if the checkpoint has moved.
 */
export async function forgetPartition(
  dataSource: DataSource,
  { topic, partition, offset, epoch }: Checkpoint,
  newEpoch: string,
): Promise<number> {
  return dataSource.transaction(async (manager) => {
    const [moved] = (await manager.query(
      `update checkpoints set "offset" = 0, epoch = $4, incarnation = '', last_offset = null, last_proof = null, events = 0, at = now()
       where topic = $1 and partition = $2 and "offset" = $3 returning topic`,
      [topic, partition, offset, newEpoch],
    )) as [unknown[]]
    if (moved.length === 0) return 0
    const of = 'in (select room from rooms where topic = $1 and partition = $2)'
    await manager.query(
      `insert into lost_events (topic, partition, "offset", room, seq, epoch, value)
       select $1, $2, "offset", room, seq, $3, value from events where room ${of}`,
      [topic, partition, epoch],
    )
    for (const table of roomTables) await manager.query(`delete from ${table} where room ${of}`, [topic, partition])
    for (const table of userTables) await manager.query(`delete from ${table} where '@' || user_id ${of}`, [topic, partition])
    await manager.query(`delete from aliases where '#' || alias ${of}`, [topic, partition])
    if (topic === eventsTopic('room')) await manager.query('update indexed set "offset" = 0 where partition = $1', [partition])
    const [, lost] = (await manager.query(`delete from events where room ${of}`, [topic, partition])) as [unknown, number]
    await manager.query('delete from rooms where topic = $1 and partition = $2', [topic, partition])
    return lost
  })
}

const roomTables = ['state', 'members', 'history_changes', 'member_changes', 'erased', 'reactions', 'threads', 'mentions', 'words']
const userTables = ['user_rooms', 'markers', 'profiles', 'revocations']
