/** What a page of history says beside its messages: who reacted, and what became of the threads that begin there. */
import type { HistoryEvent } from './history.js'
import type { Source } from './source.js'
import type { Range } from './visible.js'

export interface ReactionSummary {
  key: string
  count: number
  /** Who reacted first; at most ten. */
  users: string[]
  /** The reader is among them. */
  me?: true
}

export interface ThreadSummary {
  /** Messages in the thread, without the root and deleted ones. */
  count: number
  last: HistoryEvent
}

interface Of {
  room: string
  /** Seqs that the reader may see. */
  visible: readonly Range[]
}

/** The reactions to each of these messages, in the order in which their keys came. */
export async function reactionsTo(
  source: Source,
  { room, visible }: Of,
  ids: readonly string[],
  user: string | undefined,
): Promise<Map<string, ReactionSummary[]>> {
  const rows = (await source.query(reactionsSql, [room, ids, ...bounds(visible), user ?? null])) as (Omit<ReactionSummary, 'me'> & {
    ref: string
    me: boolean | null
  })[]
  const found = new Map<string, ReactionSummary[]>()
  for (const { ref, me, ...reaction } of rows) {
    const reactions = found.get(ref) ?? []
    found.set(ref, [...reactions, me ? { ...reaction, me } : reaction])
  }
  return found
}

/** The threads that begin at these events. */
export async function threadsOf(source: Source, { room, visible }: Of, ids: readonly string[]): Promise<Map<string, ThreadSummary>> {
  const rows = (await source.query(threadsSql, [room, ids, ...bounds(visible)])) as (HistoryEvent & { root: string; count: number })[]
  return new Map(rows.map(({ root, count, ...last }) => [root, { count, last }]))
}

export const bounds = (visible: readonly Range[]) => [visible.map(([low]) => low), visible.map(([, high]) => high)]

const mayBeSeen = (row: string) =>
  `exists (select 1 from unnest($3::bigint[], $4::bigint[]) as v(low, high) where ${row}.seq between v.low and v.high)`

const reactionsSql = `
  select r.ref, r.key, count(*)::int as count, (array_agg(r.user_id order by r.seq))[1:10] as users, bool_or(r.user_id = $5) as me
  from reactions r where r.room = $1 and r.ref = any ($2::text[]) and ${mayBeSeen('r')}
  group by r.ref, r.key order by r.ref, min(r.seq)`

const threadsSql = `
  select t.root, t.count, e.seq, e.place, e.partition, e."offset", e.proof, e.type, e.sender, e.device, e.action, e.value
  from (
    select t.root, count(*)::int as count, max(t.seq) as last from threads t
    where t.room = $1 and t.root = any ($2::text[]) and t.message and ${mayBeSeen('t')}
      and not exists (select 1 from erased x where x.room = t.room and x.seq = t.seq)
    group by t.root
  ) t join events e on e.room = $1 and e.seq = t.last`
