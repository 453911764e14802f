import { userRooms } from '../store/user-rooms.js'
import { type Answer, jsonWith, pageLimit, type Reading } from './read.js'
import { roomTexts } from './room-text.js'

/** The rooms that one is in or invited to, in the order of their IDs; `next` is the `after` of the following page. */
export async function rooms(reading: Reading): Promise<Answer> {
  const { dataSource, principal, input } = reading
  const limit = pageLimit(reading, 100)
  const rows = await userRooms(dataSource, {
    user: principal.user,
    memberships: ['joined', 'invited'],
    after: input.after,
    limit: limit + 1,
  })
  const shown = rows.slice(0, limit)
  const texts = await roomTexts(reading, shown)
  return jsonWith({ next: rows.length > limit ? shown.at(-1)?.room : undefined }, { rooms: `[${texts.join(',')}]` })
}
