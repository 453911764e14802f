/**
 * The birth of a room, and its end.
 *
 * `room.create` becomes plain state events in a fixed order, so that a room's state is never anything else:
 * `room.created`, `member.join` (the creator), `room.power` (creator 100), `room.access`, `room.history`, then where given
 * `room.listed`, `room.name`, `room.topic`, `room.alias`, and one `member.invite` for each invited.
 */
import { checkAlias, claim } from './alias.js'
import { type JsonObject, json, objectOf } from './content.js'
import { checkList, checkName } from './envelope.js'
import { noRoom, permit } from './grants.js'
import { firstLevels, guardedPower } from './power.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { checkRoomState } from './room-state.js'
import type { Case, Draft, Outcome } from './rule.js'

/** What may be said of a room when it is made. */
interface Plan {
  type?: string
  access: string
  accessRooms?: string[]
  history: string
  listed?: boolean
  name?: string
  topic?: string
  alias?: string
  invite: string[]
}

/** A repeat of the same action was answered before: what exists already is another's, or another wish. */
export function create(of: Case): Outcome {
  if (of.room?.created) return refuse('conflict', 'this room is there already', { field: 'room' })
  const plan = planOf(of)
  if (isRefusal(plan)) return plan
  if (plan.alias !== undefined && of.command.claimed !== plan.alias) return { forward: [claim(plan.alias, of)] }
  return { events: firstEvents(of.actor, plan) }
}

/** The events of a room that a service with scope `publish` makes by speaking into it: entered by invitation, history shared. */
export function implicitRoom({ actor }: Case): Draft[] {
  return firstEvents(actor, { access: 'limited', history: 'shared', invite: [] })
}

/** The last event of a room. Its aliases are released, its members' inboxes hear nothing. */
export function deleteRoom(of: Case): Outcome {
  const allowed = permit(of, guardedPower, 'other')
  if (isRefusal(allowed)) return allowed
  const content = objectOf(of.command.content)
  if (isRefusal(content)) return content
  const draft: Draft = { type: 'room.deleted', content: of.command.content }
  if (allowed.by) draft.by = allowed.by
  return { events: [draft] }
}

/** For every rule but creation: the room is there. */
export const missing = ({ room }: Case): Refusal | undefined => (room?.created && !room.deleted ? undefined : noRoom())

function firstEvents(creator: string, plan: Plan): Draft[] {
  const state = (type: string, content: JsonObject, key = ''): Draft => ({ type, key, content: json(content) })
  const { type, access, accessRooms, history, listed, name, topic, alias } = plan
  const drafts: Draft[] = [
    { type: 'room.created', content: json({ type, access, history }) },
    { type: 'member.join', user: creator, content: '{}' },
    state('room.power', firstLevels(creator)),
    state('room.access', { value: access, rooms: accessRooms }),
    state('room.history', { value: history }),
  ]
  if (listed !== undefined) drafts.push(state('room.listed', { value: listed }))
  if (name !== undefined) drafts.push(state('room.name', { value: name }))
  if (topic !== undefined) drafts.push(state('room.topic', { value: topic }))
  if (alias !== undefined) drafts.push(state('room.alias', {}, alias))
  for (const user of plan.invite) drafts.push({ type: 'member.invite', user, content: '{}' })
  return drafts
}

function planOf(of: Case): Plan | Refusal {
  const content = objectOf(of.command.content)
  if (isRefusal(content)) return content
  const { type, access = 'limited', accessRooms, history = 'shared', listed, name, topic, alias, invite = [] } = content
  const refused =
    (type === undefined ? undefined : checkName(type, 'content.type', of.limits)) ??
    checkRoomState('room.access', { value: access, rooms: accessRooms }, of.limits) ??
    checkRoomState('room.history', { value: history }, of.limits) ??
    (listed === undefined ? undefined : checkRoomState('room.listed', { value: listed }, of.limits)) ??
    (name === undefined ? undefined : checkRoomState('room.name', { value: name }, of.limits)) ??
    (topic === undefined ? undefined : checkRoomState('room.topic', { value: topic }, of.limits)) ??
    (alias === undefined ? undefined : checkAlias(alias, of.limits)) ??
    checkList(invite, 'content.invite', of.limits.inviteesMax, of.limits)
  if (refused) return refused
  const invited = [...new Set(invite as string[])].filter((user) => user !== of.actor)
  return { type, access, accessRooms, history, listed, name, topic, alias, invite: invited } as Plan
}
