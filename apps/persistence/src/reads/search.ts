import { wireError } from '@roomlog/protocol'
import { readAccess } from '../store/access.js'
import { type Found, search as find, type SearchPlace } from '../store/search.js'
import { userRooms } from '../store/user-rooms.js'
import { eventText } from './event-text.js'
import { type Answer, jsonWith, pageLimit, type Reading } from './read.js'
import { type View, viewOf } from './view.js'

/** Rooms of one search. */
const roomsMax = 1_000

/**
 * Messages in which the words are and that the reader may see, the newest first: in the rooms named, or in all that they are or
 * were in. `next` is the `before` of the following page.
 */
export async function search(reading: Reading): Promise<Answer> {
  const { dataSource, input } = reading
  const before = input.before === undefined ? undefined : placeOf(input.before)
  if (before === null) return wireError('invalid', 'before is a time in milliseconds, or of an earlier answer', { field: 'before' })
  const views = await searchedRooms(reading)
  const limit = pageLimit(reading)
  const found = await find(dataSource, {
    q: input.q,
    rooms: [...views.values()],
    types: input.types,
    senders: input.senders,
    after: input.after,
    before,
    limit: limit + 1,
  })
  const shown = found.slice(0, limit)
  const texts = shown.map((event) => eventText(reading, views.get(event.room)!, event))
  return jsonWith({ next: found.length > limit ? nextOf(shown.at(-1)!) : undefined }, { events: `[${texts.join(',')}]` })
}

async function searchedRooms(reading: Reading): Promise<Map<string, View>> {
  const { dataSource, principal, partitions, input } = reading
  const views = new Map<string, View>()
  if (input.rooms) {
    for (const room of new Set<string>(input.rooms)) {
      const access = await readAccess(dataSource, room, principal.user, partitions)
      if (access.exists && !access.deleted) views.set(room, viewOf(room, access, principal))
    }
    return views
  }
  const rooms = await userRooms(dataSource, { user: principal.user, memberships: ['joined', 'left', 'banned'], limit: roomsMax })
  for (const { room, access } of rooms) views.set(room, viewOf(room, access, principal))
  return views
}

const nextOf = ({ at, room, seq }: Found) => `${at}.${seq}.${room}`

function placeOf(text: string): SearchPlace | null {
  const match = /^(\d{1,15})(?:\.(\d{1,15})\.(.{1,255}))?$/su.exec(text)
  return match ? { at: Number(match[1]), seq: Number(match[2] ?? 0), room: match[3] ?? '' } : null
}
