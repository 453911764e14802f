/** How much a user has not read. */
import { everybody } from '@roomlog/domain'
import { isMessageSql } from './message.js'
import type { Source } from './source.js'

/** Events of a room that are counted, from its end; older ones are only known to be there. */
export const unreadScanMax = 500

export interface Unread {
  /** Messages of others after the marker; in the last 500 events where `more`. */
  unread: number
  more: boolean
  /** Those that mention the user, or everybody; all of them. */
  mentions: number
  marker: { event: string | null; seq: number } | null
}

/** Per room: `since` is the user's last join, where they begin without a marker; `last` is the room's last event. */
export async function unreadOf(
  source: Source,
  user: string,
  rooms: readonly { room: string; since: number; last: number }[],
): Promise<Map<string, Unread>> {
  const given = [rooms.map(({ room }) => room), rooms.map(({ since }) => since), rooms.map(({ last }) => last)]
  const rows = (await source.query(sql, [user, everybody, unreadScanMax, ...given])) as (Unread & { room: string })[]
  return new Map(rows.map(({ room, ...unread }) => [room, unread]))
}

const notErased = (row: string) => `not exists (select 1 from erased x where x.room = ${row}.room and x.seq = ${row}.seq)`

const sql = `
  with asked as (
    select u.room, u.last, greatest(coalesce(m.room_seq, 0), u.since) as after, m.room_seq, m.event
    from unnest($4::text[], $5::bigint[], $6::bigint[]) as u(room, since, last)
    left join markers m on m.user_id = $1 and m.room = u.room
  )
  select a.room, a.after < a.last - $3::int as more,
    case when a.room_seq is not null then json_build_object('event', a.event, 'seq', a.room_seq) end as marker,
    (select count(*)::int from events e where e.room = a.room and e.seq > greatest(a.after, a.last - $3::int) and e.seq <= a.last
      and ${isMessageSql('e')} and e.sender <> $1 and ${notErased('e')}) as unread,
    (select count(distinct n.seq)::int from mentions n where n.room = a.room and n.user_id in ($1, $2) and n.seq > a.after and n.seq <= a.last
      and n.sender <> $1 and ${notErased('n')}) as mentions
  from asked a`
