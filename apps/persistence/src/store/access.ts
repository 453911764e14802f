/**
 * Who may read what of a room, as far as the log is stored: the facts that the domain's timeline judges by, all of one moment.
 */

import { partitionOf } from '@roomlog/log'
import { type AccessStatement, eventsTopic, familyOf } from '@roomlog/protocol'
import type { Source } from './source.js'

/** The statement of one room and one user, and what reads of the same moment need beside it. */
export interface RoomAccess extends AccessStatement {
  /** The partition's epoch, for positions. */
  epoch: string
}

/** One statement for rooms that exist and rooms that do not: they cost the same. `user` empty = anonymous. */
export async function readAccess(source: Source, room: string, user: string, partitions: number): Promise<RoomAccess> {
  const partition = partitionOf(room, partitions)
  const [row] = (await source.query(accessSql, [room, user, eventsTopic(familyOf(room)), partition])) as [Row]
  return {
    room,
    partition,
    through: row.through ?? 0,
    epoch: row.epoch ?? '',
    exists: row.room !== null,
    deleted: row.deleted_seq !== null,
    seq: row.seq ?? 0,
    access: row.access ?? 'limited',
    history: row.history,
    membership: row.membership,
  }
}

interface Row {
  through: number | null
  epoch: string | null
  room: string | null
  seq: number | null
  access: string | null
  deleted_seq: number | null
  history: [number, string][]
  membership: [number, string][]
}

const accessSql = `
  select c."offset" as through, c.epoch, r.room, r.seq, r.access, r.deleted_seq,
    (select coalesce(json_agg(json_build_array(h.seq, h.value) order by h.seq), '[]') from history_changes h where h.room = $1) as history,
    (select coalesce(json_agg(json_build_array(m.seq, m.value) order by m.seq), '[]') from member_changes m where m.room = $1 and m.user_id = $2) as membership
  from (values (1)) as one
  left join rooms r on r.room = $1
  left join checkpoints c on c.topic = $3 and c.partition = $4`
