/** Time travel: a room's state and members as they were at a `seq` that the reader may see. */
import { type MemberEntry, powerLevels, powerOf, type StateEntry } from '@roomlog/domain'
import { type WireError, wireError } from '@roomlog/protocol'
import type { HistoryEvent } from '../store/history.js'
import { type Past, pastOf } from '../store/past.js'
import { isRefused, type JsonText, jsonWith, notFound, type Reading } from './read.js'
import { type View, viewRoom } from './view.js'

export interface AsOf {
  view: View
  past: Past
}

export async function asOf(reading: Reading, seq: number): Promise<AsOf | WireError> {
  const view = await viewRoom(reading, 'events')
  if (isRefused(view)) return view
  if (seq > view.access.seq || !view.timeline.maySee(seq)) return notFound()
  const past = await pastOf(reading.dataSource, view.room, seq)
  return past ? { view, past } : wireError('too_large', 'too much has happened in this room')
}

/** The events that had set what was not gone, in the order of type and key. */
export function stateOf({ past }: AsOf): { type: string; key: string; event: HistoryEvent }[] {
  const found: { type: string; key: string; event: HistoryEvent }[] = []
  for (const name of past.keys('state:')) {
    const entry = past.get(name) as StateEntry
    const event = past.events.get(entry.seq)!
    if (entry.content.trim() === 'null') continue
    found.push({ type: event.type, key: name.slice(name.indexOf(':', 'state:'.length) + 1), event })
  }
  return found.sort((a, b) => compare(a.type, b.type) || compare(a.key, b.key))
}

/** Members in the order of their IDs, as the list of members shows them. */
export function membersOf({ past }: AsOf): { user: string; membership: string; name?: string; text: JsonText }[] {
  const levels = powerLevels(past)
  return [...past.keys('member:')]
    .map((key) => {
      const user = key.slice('member:'.length)
      const { membership, profile = {} } = past.get(key) as MemberEntry
      const { name, avatar } = profile
      return { user, membership, name, text: jsonWith({ user, name, avatar, membership, power: powerOf(levels, user) }) }
    })
    .sort((a, b) => compare(a.user, b.user))
}

/** By bytes, as the database does. */
const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
