import type { HistoryEvent } from './history.js'
import { likeOfGlob } from './history.js'
import type { Source } from './source.js'
import { bounds } from './summaries.js'
import type { Range } from './visible.js'

/** A point between results, which are in the order of time. */
export interface SearchPlace {
  at: number
  room: string
  seq: number
}

export interface SearchQuery {
  /** As people write it: words, "phrases", or, -not. */
  q: string
  /** What may be seen. */
  rooms: readonly { room: string; visible: readonly Range[] }[]
  types?: readonly string[]
  senders?: readonly string[]
  /** Milliseconds since 1970; inclusive. */
  after?: number
  /** Exclusive. */
  before?: SearchPlace
  limit: number
}

export type Found = HistoryEvent & { room: string; at: number }

/** Messages in which the words are, the newest first. */
export async function search(source: Source, query: SearchQuery): Promise<Found[]> {
  const { q, rooms, types, senders, after, before, limit } = query
  const ranges = rooms.flatMap(({ room, visible }) => visible.map((range) => ({ room, range })))
  if (ranges.length === 0) return []
  return (await source.query(sql, [
    q.replaceAll('\0', ' '),
    ranges.map(({ room }) => room),
    ...bounds(ranges.map(({ range }) => range)),
    types?.length ? types.map(likeOfGlob) : null,
    senders?.length ? senders : null,
    after ?? 0,
    before?.at ?? Number.MAX_SAFE_INTEGER,
    before?.room ?? '',
    before?.seq ?? 0,
    limit,
  ])) as Found[]
}

/** Erased words are gone from `words`; an encrypted room is not searched, whatever was said there before. */
const sql = `
  select e.room, e.seq, e.place, e.partition, e."offset", e.proof, e.type, e.sender, e.device, e.action, e.value, e.at
  from words w
  join unnest($2::text[], $3::bigint[], $4::bigint[]) as v(room, low, high) on v.room = w.room and w.seq between v.low and v.high
  join events e on e.room = w.room and e.seq = w.seq
  where w.words @@ websearch_to_tsquery('simple', $1)
    and ($5::text[] is null or w.type like any ($5)) and ($6::text[] is null or w.sender = any ($6))
    and w.at >= $7 and (w.at, w.room, w.seq) < ($8::bigint, $9::text collate "C", $10::bigint)
    and not exists (select 1 from state s where s.room = w.room and s.type = 'room.mode' and s.key = '' and s.content like '%"encrypted"%'
      and s.content::json->>'encrypted' = 'true')
  order by w.at desc, w.room desc, w.seq desc limit $11`
