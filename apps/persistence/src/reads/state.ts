import { wireError } from '@roomlog/protocol'
import { eventAt } from '../store/find.js'
import { type StatePage, statePage } from '../store/state.js'
import { asOf, stateOf } from './as-of.js'
import { eventText } from './event-text.js'
import { type Answer, isRefused, jsonWith, notFound, pageLimit, type Reading } from './read.js'
import { positionOf, type View, viewRoom } from './view.js'

/**
 * The room's state now, as the events that set it. With a key, or a type alone that has the key "", one event; with a type
 * and anything else that a pool is asked by, the type's keys; otherwise all. `next` is the `after` of the following page.
 */
export async function state(reading: Reading): Promise<Answer> {
  if (reading.input.asOf !== undefined) return stateAsOf(reading, reading.input.asOf)
  const view = await viewRoom(reading, 'now')
  if (isRefused(view)) return view
  const { type, key, ids, except, search, online, after } = reading.input
  if (online !== undefined) return wireError('invalid', 'who is online is not stored: ask an edge', { field: 'online' })
  const asPool = ids ?? except ?? search ?? after ?? reading.input.limit
  if (type !== undefined && (key !== undefined || asPool === undefined)) {
    const { events } = await statePage(reading.dataSource, { room: view.room, type, keys: [key ?? ''], limit: 1 })
    if (events[0]) return eventText(reading, view, events[0])
    if (key !== undefined) return notFound()
  }
  const from = after === undefined ? undefined : cursorOf(after)
  if (from === null) return wireError('invalid', 'after is not of an earlier answer', { field: 'after' })
  const page = await statePage(reading.dataSource, {
    room: view.room,
    type,
    keys: ids,
    except,
    search,
    after: from,
    limit: pageLimit(reading, reading.limits.pageEvents),
  })
  return pageText(reading, view, page)
}

async function pageText(reading: Reading, view: View, { events, next }: StatePage): Promise<Answer> {
  const last = await eventAt(reading.dataSource, view.room, view.access.seq)
  const members = { next: next && Buffer.from(JSON.stringify(next)).toString('base64url'), position: last && positionOf(view, last) }
  return jsonWith(members, { state: `[${events.map((event) => eventText(reading, view, event)).join(',')}]` })
}

function cursorOf(text: string): [type: string, key: string] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(parsed) && parsed.length === 2 && parsed.every((part) => typeof part === 'string')
      ? (parsed as [string, string])
      : null
  } catch {
    return null
  }
}

/** The same, as it was; not page by page. */
async function stateAsOf(reading: Reading, seq: number): Promise<Answer> {
  const at = await asOf(reading, seq)
  if (isRefused(at)) return at
  const { type, key, ids, except, search, after, online, limit } = reading.input
  for (const [field, given] of Object.entries({ ids, except, search, after, online, limit }))
    if (given !== undefined) return wireError('invalid', `${field} is not for the past`, { field })
  const found = stateOf(at).filter((one) => (type === undefined || one.type === type) && (key === undefined || one.key === key))
  const single = type !== undefined ? found.find((one) => one.key === (key ?? '')) : undefined
  if (single) return eventText(reading, at.view, single.event)
  if (key !== undefined) return notFound()
  return jsonWith({}, { state: `[${found.map(({ event }) => eventText(reading, at.view, event)).join(',')}]` })
}
