/**
 * Erasure: the words of a deleted event, and those of its edits, leave the database in the transaction that stores the
 * deletion. What stays is the tombstone, and the room's list of erased seqs.
 */
import { tombstone } from '@roomlog/protocol'
import type { QueryRunner } from 'typeorm'
import { BulkInsert } from './bulk.js'
import { forgetReactions } from './relations.js'
import type { ErasureRow } from './rows.js'
import { forgetWords, lockErasure } from './words.js'

export async function erase(runner: QueryRunner, erasures: readonly ErasureRow[]): Promise<void> {
  await lockErasure(runner)
  // Reversed: of several deletions of one event the first stands.
  const deletions = new Map(erasures.toReversed().map((erasure) => [`${erasure.room}\n${erasure.seq}`, erasure]))
  const found = (await runner.query(targetsSql, [erasures.map((e) => e.room), erasures.map((e) => e.seq)])) as Target[]
  const targets = found.map((target) => {
    const { deletion, bySeq } = deletions.get(`${target.room}\n${target.root}`)!
    return { ...target, value: tombstone(target.value, deletion), bySeq }
  })
  await runner.query(
    `update events e set value = u.value from unnest($1::text[], $2::bigint[], $3::text[]) as u(room, seq, value) where e.room = u.room and e.seq = u.seq`,
    [targets.map((t) => t.room), targets.map((t) => t.seq), targets.map((t) => t.value)],
  )
  await erased.run(runner, targets)
  await forgetReactions(runner, targets)
  await forgetWords(runner, targets)
}

interface Target {
  room: string
  seq: number
  /** The event that the deletion names; `seq` is that one or an edit of it. */
  root: number
  value: string
}

/** The authority takes no edit of a deleted message, so all edits there will ever be are stored by now. */
const targetsSql = `
  with named as (select e.room, e.seq, e.partition || '-' || e."offset" || '-' || e.proof as id, e.value
    from unnest($1::text[], $2::bigint[]) as u(room, seq) join events e on e.room = u.room and e.seq = u.seq)
  select room, seq, seq as root, value from named
  union
  select e.room, e.seq, named.seq, e.value from named join events e on e.room = named.room and e.ref = named.id and e.type = 'msg.edit'`

const erased = new BulkInsert<Target & { bySeq: number }>(
  'erased',
  { room: ['text', (row) => row.room], seq: ['bigint', (row) => row.seq], by_seq: ['bigint', (row) => row.bySeq] },
  'on conflict (room, seq) do nothing',
)
