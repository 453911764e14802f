import { filterOf, type HistoryEvent, type HistoryPage, type HistoryQuery } from './history.js'
import type { Source } from './source.js'
import { bounds } from './summaries.js'

/** A page of one thread, without its root, in the order of history: read by key, at any depth and whatever lies between. */
export async function threadPage(source: Source, root: string, query: Omit<HistoryQuery, 'accept'>): Promise<HistoryPage> {
  const back = query.direction === 'back'
  const filter = filterOf(query)
  const from = query.from ?? (back ? { place: Number.MAX_SAFE_INTEGER, seq: 0 } : { place: 0, seq: 0 })
  const sql = `select e.seq, e.place, e.partition, e."offset", e.proof, e.type, e.sender, e.device, e.action, e.value
    from threads t join events e on e.room = t.room and e.seq = t.seq
    where t.room = $1 and t.root = $2 and (t.place, t.seq) ${back ? '<' : '>'} ($3, $4)
      and exists (select 1 from unnest($6::bigint[], $7::bigint[]) as v(low, high) where t.seq between v.low and v.high)
      ${filter.sql(7)} order by t.place ${back ? 'desc' : 'asc'}, t.seq ${back ? 'desc' : 'asc'} limit $5`
  const values = [query.room, root, from.place, from.seq, query.limit + 1, ...bounds(query.visible), ...filter.values]
  const rows = (await source.query(sql, values)) as HistoryEvent[]
  const events = rows.slice(0, query.limit)
  return { events: back ? events.reverse() : events, more: rows.length > query.limit }
}
