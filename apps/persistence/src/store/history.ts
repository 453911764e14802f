/**
 * Pages of a room's history, in the order of history: by place, then by `seq`.
 *
 * Nearly every event stands at its own `seq`; those are read by `seq` from the primary key, in windows, so that a page costs
 * the same at any depth and a rare filter has a bound. The few that stand elsewhere come from a partial index of their own,
 * and both are merged. What the reader may not see is never read: visibility is given as ranges of `seq`.
 */
import type { Source } from './source.js'
import type { Range } from './visible.js'

/** How far one page looks for events that match: `seq`s. */
export const historyScanMax = 50_000
/** The windows of a page grow, so that the usual page reads what it shows and a rare filter needs few statements. */
const windowMax = 5_000
const windowGrowth = 4

export interface HistoryEvent {
  seq: number
  place: number
  partition: number
  offset: number
  proof: string
  type: string
  sender: string
  device: string | null
  action: number | null
  value: string
}

/** A point between events of history. */
export interface Place {
  place: number
  seq: number
}

export interface HistoryQuery {
  room: string
  /** Seqs that the reader may see, ascending. */
  visible: readonly Range[]
  direction: 'back' | 'forward'
  /** Exclusive; absent = from the end (back) or the beginning (forward). */
  from?: Place
  limit: number
  /** Globs. */
  types?: readonly string[]
  senders?: readonly string[]
  /** Of system areas: an event names its readers. */
  accept?(event: HistoryEvent): boolean
}

export interface HistoryPage {
  /** Ascending. */
  events: HistoryEvent[]
  more: boolean
  /** Where the search ended for its bound, before the page was full: the page goes on from here. */
  searched?: number
}

export async function historyPage(source: Source, query: HistoryQuery): Promise<HistoryPage> {
  const back = query.direction === 'back'
  const filter = filterOf(query)
  const wanted = query.limit + 1
  const inOrder = await readInOrder(source, query, filter, wanted)
  const reach = inOrder.searched ?? (inOrder.events.length >= wanted ? inOrder.events.at(-1)!.seq : undefined)
  const moved = await readMoved(source, query, filter, wanted, reach)
  const merged = [...inOrder.events, ...moved].sort((a, b) => (back ? compare(b, a) : compare(a, b)))
  const events = merged.slice(0, query.limit)
  const full = merged.length > query.limit
  return {
    events: back ? events.reverse() : events,
    more: full || inOrder.searched !== undefined,
    ...(full || inOrder.searched === undefined ? {} : { searched: inOrder.searched }),
  }
}

const compare = (a: Place, b: Place) => a.place - b.place || a.seq - b.seq

const columns = 'seq, place, partition, "offset", proof, type, sender, device, action, value'

async function readInOrder(
  source: Source,
  query: HistoryQuery,
  filter: Filter,
  wanted: number,
): Promise<{ events: HistoryEvent[]; searched?: number }> {
  const back = query.direction === 'back'
  const sql = `select ${columns} from events where room = $1 and seq between $2 and $3 and place = seq ${filter.sql(4)} order by seq ${back ? 'desc' : 'asc'} limit $4`
  const events: HistoryEvent[] = []
  let budget = historyScanMax
  for (const [low, high] of windows(query, wanted)) {
    if (budget <= 0) return { events, searched: back ? high + 1 : low - 1 }
    const limit = query.accept ? windowMax : wanted - events.length
    const found = (await source.query(sql, [query.room, low, high, limit, ...filter.values])) as HistoryEvent[]
    for (const event of found) if (events.length < wanted && (query.accept?.(event) ?? true)) events.push(event)
    if (events.length >= wanted) break
    budget -= high - low + 1
  }
  return { events }
}

/** The visible ranges from the starting point on, cut into windows, in reading order. */
function* windows({ visible, direction, from }: HistoryQuery, wanted: number): Generator<Range> {
  const back = direction === 'back'
  let size = Math.min(wanted, windowMax)
  for (const [low, high] of back ? visible.toReversed() : visible) {
    // An event that has another place stands right after the one at that place.
    const first = back || !from ? low : Math.max(low, from.place + 1)
    const last = back && from ? Math.min(high, from.place === from.seq ? from.place - 1 : from.place) : high
    for (let at = back ? last : first; back ? at >= first : at <= last; size = Math.min(size * windowGrowth, windowMax)) {
      const window: Range = back ? [Math.max(first, at - size + 1), at] : [at, Math.min(last, at + size - 1)]
      yield window
      at = back ? window[0] - 1 : window[1] + 1
    }
  }
}

/** Events that stand away from their `seq`. `reach` is how far events have been looked at in order. */
async function readMoved(source: Source, query: HistoryQuery, filter: Filter, wanted: number, reach?: number): Promise<HistoryEvent[]> {
  const back = query.direction === 'back'
  const from = query.from ?? (back ? { place: Number.MAX_SAFE_INTEGER, seq: 0 } : { place: 0, seq: 0 })
  const bound = reach === undefined ? '' : `and place ${back ? '>=' : '<='} ${Number(reach)}`
  if (query.accept) return []
  const sql = `select ${columns} from events e where room = $1 and place <> seq and (place, seq) ${back ? '<' : '>'} ($2, $3) ${bound}
    and exists (select 1 from unnest($5::bigint[], $6::bigint[]) as v(low, high) where e.seq between v.low and v.high)
    ${filter.sql(6)} order by place ${back ? 'desc, seq desc' : 'asc, seq asc'} limit $4`
  const [lows, highs] = [query.visible.map(([low]) => low), query.visible.map(([, high]) => high)]
  return (await source.query(sql, [query.room, from.place, from.seq, wanted, lows, highs, ...filter.values])) as HistoryEvent[]
}

interface Filter {
  /** Conditions whose parameters follow after the first `taken`. */
  sql(taken: number): string
  values: unknown[]
}

export function filterOf({ types, senders }: Pick<HistoryQuery, 'types' | 'senders'>): Filter {
  const conditions: ((n: number) => string)[] = []
  const values: unknown[] = []
  if (types?.length) {
    conditions.push((n) => `and type like any ($${n}::text[])`)
    values.push(types.map(likeOfGlob))
  }
  if (senders?.length) {
    conditions.push((n) => `and sender = any ($${n}::text[])`)
    values.push(senders)
  }
  return { values, sql: (taken) => conditions.map((condition, i) => condition(taken + i + 1)).join(' ') }
}

/** `*` is any run of characters; everything else is itself. */
export function likeOfGlob(glob: string): string {
  return glob.replace(/[\\%_]/g, (character) => `\\${character}`).replaceAll('*', '%')
}
