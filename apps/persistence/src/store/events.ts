import { partitionOf } from '@roomlog/log'
import { type EventsPage, eventsTopic, familyOf } from '@roomlog/protocol'
import type { Source } from './source.js'

interface Row {
  seq: number
  offset: number
  type: string
  key: string | null
  follows: string | null
  sender: string
  device: string | null
  action: number | null
  value: string
}

/**
 * The room's events after a seq, all of them and without gaps, whoever may see them: the edge judges. Read in one statement
 * with the checkpoint, so that everything before `through` is here or comes in a later page.
 */
export async function eventsAfter(
  source: Source,
  of: { room: string; after: number; limit: number; partitions: number },
): Promise<EventsPage> {
  const { room, after, limit, partitions } = of
  const [row] = (await source.query(sql, [room, after, limit, eventsTopic(familyOf(room)), partitionOf(room, partitions)])) as [
    { through: number; events: Row[] },
  ]
  const events = row.events.map(({ value, key, follows, device, action, ...event }) => ({
    ...event,
    ...(key === null ? {} : { key }),
    ...(follows === null ? {} : { follows }),
    ...(device === null ? {} : { device }),
    ...(action === null ? {} : { action: JSON.stringify({ id: action }) }),
    bytes: value,
  }))
  return { events, through: row.through }
}

const sql = `
  select coalesce((select "offset" from checkpoints where topic = $4 and partition = $5), 0) as through,
    coalesce((select json_agg(row_to_json(x)) from (
      select seq, "offset", type, key, follows, sender, device, action, value from events where room = $1 and seq > $2 order by seq limit $3
    ) x), '[]') as events`
