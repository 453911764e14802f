import { parsePosition } from '@roomlog/log'
import { type WireError, wireError } from '@roomlog/protocol'
import { eventAt, findEvent } from '../store/find.js'
import { historyPage, type Place } from '../store/history.js'
import { threadPage } from '../store/threads.js'
import type { Range } from '../store/visible.js'
import { eventTexts } from './event-text.js'
import { type Answer, isRefused, jsonWith, pageLimit, type Reading } from './read.js'
import { acceptOf, positionOf, type View, viewRoom } from './view.js'

/**
 * Scrolls back from `before` (or the end), or forward from `after`. Events ascend in either direction. `earliest` is where to
 * scroll back from next, `position` where to go on forward; `more.stored` says whether there is more in the direction asked.
 * With `asOf`, as if nothing had come after that `seq`, but for what was deleted since. With `thread`, only what was said in the thread of that root.
 */
export async function history(reading: Reading): Promise<Answer> {
  const view = await viewRoom(reading, 'events')
  if (isRefused(view)) return view
  const { before, after, types, senders, thread } = reading.input
  if (before !== undefined && after !== undefined) return wireError('invalid', 'either before or after', { field: 'after' })
  const from = before ?? after
  const start = from === undefined ? undefined : await placeOf(reading, view, from, before === undefined ? 'after' : 'before')
  if (start && isRefused(start)) return start
  const direction = after === undefined ? 'back' : 'forward'
  const asOf: number = reading.input.asOf ?? Number.POSITIVE_INFINITY
  const visible = view.visible.filter(([low]) => low <= asOf).map(([low, high]): Range => [low, Math.min(high, asOf)])
  const query = { room: view.room, visible, direction, from: start, limit: pageLimit(reading), types, senders } as const
  const page =
    thread === undefined
      ? await historyPage(reading.dataSource, { ...query, accept: acceptOf(view) })
      : await threadPage(reading.dataSource, thread, query)
  const searched = page.searched === undefined ? undefined : await eventAt(reading.dataSource, view.room, page.searched)
  const last = (direction === 'forward' && searched) || page.events.at(-1)
  const first = (direction === 'back' && searched) || page.events[0]
  const members = {
    more: { stored: page.more, backfill: false },
    earliest: first ? positionOf(view, first) : (before ?? undefined),
    position: last ? positionOf(view, last) : (after ?? before ?? (await tail(reading, view))),
  }
  return jsonWith(members, { events: `[${(await eventTexts(reading, { ...view, visible }, page.events)).join(',')}]` })
}

/** Where the room ends now, for a reader who may know it. */
async function tail(reading: Reading, view: View): Promise<string | undefined> {
  const last = view.current ? await eventAt(reading.dataSource, view.room, view.access.seq) : undefined
  return last && positionOf(view, last)
}

/** The point in history that a position or an event ID names. One that is not stored yet stands at its `seq`. */
async function placeOf({ dataSource }: Reading, { room, access }: View, given: string, field: string): Promise<Place | WireError> {
  const at = parsePosition(given)
  if (!at) {
    const event = await findEvent(dataSource, given)
    return event?.room === room ? event : wireError('not_found', 'there is no such event in this room', { field })
  }
  if (at.seq === 0) return { place: 0, seq: 0 }
  if (at.epoch !== access.epoch) return wireError('wrong_epoch')
  if (at.partition !== access.partition) return wireError('invalid', 'a position of another room', { field })
  const event = await eventAt(dataSource, room, at.seq)
  if (!event)
    return at.offset >= access.through ? { place: at.seq, seq: at.seq } : wireError('invalid', 'a position of another room', { field })
  return event.offset === at.offset && event.proof === at.check ? event : wireError('wrong_epoch')
}
