/** Which rule judges which command, in which kind of room. */
import { claimAlias, releaseAlias } from './alias.js'
import { create, deleteRoom, implicitRoom, missing } from './create.js'
import { revokeDevice } from './device.js'
import { hasScope, noRoom, publishes } from './grants.js'
import { inboxEvent, marker, notice, serviceNotice } from './inbox.js'
import { ban, invite, join, kick, knock, leave, unban } from './member.js'
import { edit, erase, message } from './message.js'
import { changeMember, continueProfile, setProfile } from './profile.js'
import { react, unreact } from './reaction.js'
import { refuse } from './refusal.js'
import { type RoomKind, roomKind } from './room-id.js'
import { isRoomState } from './room-state.js'
import type { Case, Outcome, Rule } from './rule.js'
import { setRoomState, setState } from './state-event.js'
import { systemEvent } from './system.js'
import { attestMember } from './vouch.js'

/** Rules of a room that is there. */
const inRoom: Record<string, Rule> = {
  'room.delete': deleteRoom,
  'member.join': join,
  'member.invite': invite,
  'member.leave': leave,
  'member.kick': kick,
  'member.ban': ban,
  'member.unban': unban,
  'member.knock': knock,
  'member.profile': changeMember,
  'msg.edit': edit,
  'msg.delete': erase,
  'msg.reaction': react,
  'msg.unreact': unreact,
}

/** Rules of an inbox. */
const inInbox: Record<string, Rule> = {
  'room.joined': notice,
  'room.left': notice,
  'room.invited': notice,
  'room.followed': notice,
  'room.marker': marker,
  'file.saved': serviceNotice,
  'device.revoked': revokeDevice,
  'profile.set': setProfile,
  'profile.continue': continueProfile,
}

const inAlias: Record<string, Rule> = {
  'alias.claim': claimAlias,
  'alias.release': releaseAlias,
}

/** Types that only the tables above know: an app's own types begin otherwise. */
const reserved = /^(room|member|alias|profile|user|time)\./

/** The rule for a command. */
export function ruleOf(of: Case): Rule {
  const { type, onBehalfOf, rights, room } = of.command
  if (onBehalfOf !== undefined && !hasScope(of, 'impersonate') && !rights.internal) return unentitled
  return named(anywhere, type) ?? rules[roomKind(room)]
}

/** Ends a waiting: nothing happens but that the room's commands are judged at a later time. */
const timePassed: Rule = ({ command }) =>
  command.rights.internal ? { events: [] } : refuse('forbidden', 'only the authority tells the time')

const unentitled: Rule = () => refuse('forbidden', 'only services with scope impersonate speak for others', { field: 'onBehalfOf' })

/** Rules that also hold where no room is. */
const anywhere: Record<string, Rule> = {
  'time.passed': timePassed,
  'member.attest': attestMember,
}

const rules: Record<RoomKind, Rule> = {
  room: roomRule,
  inbox: (of) => (named(inInbox, of.command.type) ?? unreserved(of, inboxEvent))(of),
  alias: (of) => (named(inAlias, of.command.type) ?? noRoom)(of),
  system: systemEvent,
}

function roomRule(of: Case): Outcome {
  const { type, key } = of.command
  if (type === 'room.create') return create(of)
  const gone = missing(of)
  if (gone) return of.room === undefined && publishes(of) ? spokenInto(of) : gone
  const rule = named(inRoom, type)
  if (rule) return key === undefined ? rule(of) : refuse('invalid', `${type} has no key`, { field: 'key' })
  return isRoomState(type) ? setRoomState(of) : unreserved(of, key === undefined ? message : setState)(of)
}

/** A service speaks into a room that does not exist: it is made, and the service is its creator. */
function spokenInto(of: Case): Outcome {
  if (reserved.test(of.command.type)) return noRoom()
  const outcome = (of.command.key === undefined ? message : setState)(of)
  return 'events' in outcome ? { events: [...implicitRoom(of), ...outcome.events] } : outcome
}

function unreserved(of: Case, rule: Rule): Rule {
  const { type } = of.command
  return reserved.test(type) ? () => refuse('invalid', `${type} is not a command here`, { field: 'type' }) : rule
}

/** Types are chosen by users: `constructor` must not be found on a prototype. */
function named(table: Record<string, Rule>, type: string): Rule | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined
}
