import type { HistoryEvent } from './history.js'
import { contains } from './members.js'
import type { Source } from './source.js'

export interface StateQuery {
  room: string
  type?: string
  keys?: readonly string[]
  except?: readonly string[]
  /** Part of a key or of the content's text. */
  search?: string
  /** Exclusive. */
  after?: [type: string, key: string]
  limit: number
}

export interface StatePage {
  /** In the order of type and key; gone state is left out. */
  events: HistoryEvent[]
  next?: [type: string, key: string]
}

export async function statePage(source: Source, { room, type, keys, except, search, after, limit }: StateQuery): Promise<StatePage> {
  const values: unknown[] = [room, limit + 1]
  const conditions: string[] = []
  const where = (condition: (n: number) => string, ...given: unknown[]) =>
    conditions.push(condition(values.push(...given) - given.length + 1))
  if (type !== undefined) where((n) => `s.type = $${n}`, type)
  if (keys) where((n) => `s.key = any ($${n}::text[])`, keys)
  if (except) where((n) => `not s.key = any ($${n}::text[])`, except)
  if (search) where((n) => `(s.key ilike $${n} or s.content ilike $${n})`, contains(search))
  if (after) where((n) => `(s.type, s.key) > ($${n}, $${n + 1})`, ...after)
  const rows = (await source.query(
    `select s.type as state_type, s.key as state_key, e.seq, e.place, e.partition, e."offset", e.proof, e.type, e.sender, e.device, e.action, e.value
     from state s join events e on e.room = s.room and e.seq = s.seq
     where s.room = $1 and s.content <> 'null' ${conditions.map((condition) => `and ${condition}`).join(' ')}
     order by s.type, s.key limit $2`,
    values,
  )) as (HistoryEvent & { state_type: string; state_key: string })[]
  const events = rows.slice(0, limit)
  const last = events.at(-1)
  return rows.length > limit && last ? { events, next: [last.state_type, last.state_key] } : { events }
}
