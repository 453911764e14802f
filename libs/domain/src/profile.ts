/**
 * Profiles. `profile.set` in one's inbox becomes `profile.changed`, and then one `member.profile` in every room of the user.
 *
 * A user may be in thousands of rooms, and one event causes at most 128 commands. So the change goes from room to room in
 * steps: each step (`profile.continue`, a command of the inbox to itself) visits the next rooms in the order of their IDs
 * and ends with the command for the step after it, which names the last room visited. The steps read the profile and the
 * rooms as they are when they are decided: a later change is overtaken by no earlier one.
 */
import type { FollowUp } from './command.js'
import { type JsonObject, json, objectOf } from './content.js'
import { joinedKeys, profileKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import { outsider } from './grants.js'
import { checkOwner, type JoinedEntry } from './inbox.js'
import { memberOf, membershipOf, type Profile } from './membership.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { inboxOf } from './room-id.js'
import type { Case, Draft, Outcome } from './rule.js'
import type { RoomState } from './state.js'

/** The entry `profile` of an inbox. */
export type ProfileEntry = Profile

/** In the inbox: the user's new name and avatar; what is not named is gone. */
export function setProfile(of: Case): Outcome {
  const refused = checkOwner(of)
  if (refused) return refused
  const profile = profileIn(of.command.content)
  if (isRefusal(profile)) return profile
  const draft: Draft = { type: 'profile.changed', content: of.command.content }
  const before = of.state.get(profileKey) as ProfileEntry | undefined
  if (before) draft.prev = json(before as JsonObject)
  return { events: [draft] }
}

/** In the inbox: the next step through the user's rooms. */
export function continueProfile(of: Case): Outcome {
  const { command, state, limits } = of
  if (!command.rights.internal) return refuse('forbidden', 'only the inbox goes on by itself')
  const { after } = JSON.parse(command.content) as { after: string }
  const user = command.room.slice(1)
  const profile = (state.get(profileKey) as ProfileEntry | undefined) ?? {}
  const rooms = roomsOf(state).filter((room) => room > after)
  const step = rooms.slice(0, limits.profileStepMax)
  const then = step.map((room) => internal('member.profile', room, { id: user, ...profile }, profile as JsonObject))
  if (rooms.length > step.length) then.push(nextStep(user, command.sender, step.at(-1)!))
  return { events: [], then }
}

/** In a room: the new name of somebody who is here, with the old one. The same again is no event. */
export function changeMember(of: Case): Outcome {
  const { command, state, actor, now } = of
  if (membershipOf(state, actor, now) !== 'joined') return command.rights.internal ? { events: [] } : outsider(of)
  const profile = profileIn(command.content)
  if (isRefusal(profile)) return profile
  const before = memberOf(state, actor)?.profile ?? {}
  if (command.rights.internal && before.name === profile.name && before.avatar === profile.avatar) return { events: [] }
  return { events: [{ type: 'member.profile', user: actor, content: command.content, prev: json(before as JsonObject) }] }
}

export function evolveProfile(event: RoomEvent): ProfileEntry {
  return JSON.parse(event.content) as ProfileEntry
}

/** The first step after a change. */
export const firstStep = (event: RoomEvent): FollowUp => nextStep(event.room.slice(1), event.sender, '')

function nextStep(user: string, sender: RoomEvent['sender'], after: string): FollowUp {
  return internal('profile.continue', inboxOf(user), sender, { after })
}

function internal(type: string, room: string, sender: RoomEvent['sender'], content: JsonObject): FollowUp {
  return { command: { type, room, sender, device: '', rights: { internal: true }, content: json(content) }, carriesReply: false }
}

/** The user's rooms, in order of ID. */
function roomsOf(state: RoomState): string[] {
  const isThere = (key: string) => !(state.get(key) as JoinedEntry & { left?: boolean }).left
  return [...state.keys(joinedKeys)]
    .filter(isThere)
    .map((key) => key.slice(joinedKeys.length))
    .sort()
}

function profileIn(content: string): Profile | Refusal {
  const profile = objectOf(content)
  if (isRefusal(profile)) return profile
  const isText = (value: unknown) => value === undefined || typeof value === 'string'
  if (isText(profile.name) && isText(profile.avatar)) return profile as Profile
  return refuse('invalid', 'name and avatar must be texts', { field: 'content' })
}
