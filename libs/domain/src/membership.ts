/** A user's membership of a room: what it is now, and how events change it. */
import { memberKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import type { Entry, RoomState } from './state.js'

export type Membership = 'none' | 'invited' | 'joined' | 'left' | 'banned' | 'knocking'

/** The entry `member:<user>`. */
export interface MemberEntry {
  membership: Membership
  /** The event that made it so (join, invitation, knock …), and its `seq`. A change of profile leaves them. */
  event: string
  seq: number
  /** End of a ban, in milliseconds since 1970. */
  until?: number
  /** As the user came, or as the last change of profile says. */
  profile?: Profile
}

export interface Profile {
  name?: string
  avatar?: string
}

/** What a user is after an event of this type. */
export const membershipAfter: Readonly<Record<string, Membership>> = {
  'member.join': 'joined',
  'member.invite': 'invited',
  'member.knock': 'knocking',
  'member.leave': 'left',
  'member.kick': 'left',
  'member.ban': 'banned',
  'member.unban': 'left',
}

export const memberOf = (state: RoomState, user: string) => state.get(memberKey(user)) as MemberEntry | undefined

/** Milliseconds until a ban that has an end is over. */
export function banEndsIn(state: RoomState, user: string, now: number): { retryAfterMs?: number } {
  const until = memberOf(state, user)?.until
  return until === undefined ? {} : { retryAfterMs: until - now }
}

/** Membership at a time: a ban that has ended is none. */
export function membershipOf(state: RoomState, user: string, now: number): Membership {
  const member = memberOf(state, user)
  if (member === undefined) return 'none'
  return member.membership === 'banned' && member.until !== undefined && member.until <= now ? 'left' : member.membership
}

export function evolveMember(entry: Entry | undefined, event: RoomEvent): MemberEntry {
  const before = entry as MemberEntry | undefined
  if (event.type === 'member.profile') {
    return { membership: 'none', event: '', seq: 0, ...before, profile: JSON.parse(event.content) as Profile }
  }
  const member: MemberEntry = { membership: membershipAfter[event.type]!, event: event.id, seq: event.seq }
  const profile = event.type === 'member.join' ? (profileOf(event) ?? before?.profile) : before?.profile
  if (profile) member.profile = profile
  if (event.type === 'member.ban') {
    const { until } = JSON.parse(event.content) as { until?: number }
    if (until !== undefined) member.until = until
  }
  return member
}

/** The profile that somebody who joins brings along. */
function profileOf({ sender, user }: RoomEvent): Profile | undefined {
  if (sender.id !== user || (sender.name === undefined && sender.avatar === undefined)) return undefined
  const profile: Profile = {}
  if (sender.name !== undefined) profile.name = sender.name
  if (sender.avatar !== undefined) profile.avatar = sender.avatar
  return profile
}
