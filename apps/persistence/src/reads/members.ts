import { membersPage } from '../store/members.js'
import { powersOf } from '../store/power.js'
import { asOf, membersOf } from './as-of.js'
import { type Answer, isRefused, jsonWith, pageLimit, type Reading } from './read.js'
import { viewRoom } from './view.js'

/** Who is in the room, in the order of their IDs; `next` is the `after` of the following page. */
export async function members(reading: Reading): Promise<Answer> {
  if (reading.input.asOf !== undefined) return membersAsOf(reading, reading.input.asOf)
  const view = await viewRoom(reading, 'now')
  if (isRefused(view)) return view
  const { dataSource, input } = reading
  const limit = pageLimit(reading, reading.limits.pageEvents)
  const memberships = membershipsOf(reading)
  const [rows, power] = await Promise.all([
    membersPage(dataSource, { room: view.room, memberships, after: input.after, search: input.search, limit: limit + 1 }),
    powersOf(dataSource, view.room),
  ])
  const shown = rows.slice(0, limit)
  const members = shown.map(({ user, name, avatar, membership }) => jsonWith({ user, name, avatar, membership, power: power(user) }))
  return jsonWith({ next: rows.length > limit ? shown.at(-1)?.user : undefined }, { members: `[${members.join(',')}]` })
}

/** The same, as it was. */
async function membersAsOf(reading: Reading, seq: number): Promise<Answer> {
  const at = await asOf(reading, seq)
  if (isRefused(at)) return at
  const { after, search } = reading.input
  const limit = pageLimit(reading, reading.limits.pageEvents)
  const memberships = membershipsOf(reading)
  const has = (text: string | undefined) => text?.toLowerCase().includes(search.toLowerCase())
  const found = membersOf(at)
    .filter(({ membership }) => memberships.includes(membership))
    .filter(({ user, name }) => search === undefined || has(user) || has(name))
  const from = after === undefined ? 0 : found.findIndex(({ user }) => Buffer.compare(Buffer.from(user), Buffer.from(after)) > 0)
  const rest = from < 0 ? [] : found.slice(from)
  const shown = rest.slice(0, limit)
  const next = rest.length > limit ? shown.at(-1)?.user : undefined
  return jsonWith({ next }, { members: `[${shown.map(({ text }) => text).join(',')}]` })
}

const membershipsOf = ({ input }: Reading): string[] => input.membership?.split(',') ?? ['joined', 'invited', 'knocking']
