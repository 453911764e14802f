/**
 * Who may do what: as a member with power, by a grant or a scope of the token, or as the authority itself.
 *
 * The door verifies the token and writes the rights that match the room into the command; they are judged here.
 * A ban wins over a grant. Grants (`write`, `admin`) leave their trace in the event (`by: "grant"`).
 */
import { banEndsIn, membershipOf } from './membership.js'
import { guardedPower, powerLevels, powerOf } from './power.js'
import { type Refusal, refuse } from './refusal.js'
import { settingOf } from './room-state.js'
import type { Case } from './rule.js'

export interface Permit {
  /** The power with which the command is done. */
  power: number
  by?: 'grant'
}

/**
 * The permit for something that needs this much power, or the refusal. A message is what `write` grants
 * and services with scope `publish` may send without being members.
 */
export function permit(of: Case, needed: number, what: 'message' | 'app state' | 'other'): Permit | Refusal {
  const { command, state, actor, now } = of
  const { rights } = command
  if (rights.internal) return { power: Number.POSITIVE_INFINITY }
  const membership = membershipOf(state, actor, now)
  const isAdmin = hasScope(of, 'admin')
  if (membership === 'banned' && !isAdmin) return banned(of)
  const own = membership === 'joined' ? powerOf(powerLevels(state), actor) : undefined
  if (own !== undefined && own >= needed) return { power: own }
  if (isAdmin && guardedPower >= needed) return { power: guardedPower }
  if (rights.admin && guardedPower >= needed) return { power: guardedPower, by: 'grant' }
  if (what !== 'other' && publishes(of)) return { power: own ?? 0 }
  if (what === 'message' && rights.write && needed <= 0) return { power: 0, by: 'grant' }
  return own === undefined ? outsider(of) : refuse('forbidden', `this needs power ${needed}, you have ${own}`)
}

/** The refusal of somebody who is not in the room; a room that strangers may not know of looks like none. */
export function outsider(of: Case): Refusal {
  return isHidden(of) ? noRoom() : refuse('not_member', 'you are not in this room')
}

/** The refusal of somebody who is banned; `retryAfterMs` where the ban has an end. */
export const banned = ({ state, actor, now }: Case) => refuse('banned', 'you are banned from this room', banEndsIn(state, actor, now))

export const noRoom = () => refuse('not_found', 'there is no such room')

/** Whether a service speaks in its own name, into any room. */
export const publishes = (of: Case): boolean => hasScope(of, 'publish') && of.command.onBehalfOf === undefined

export const hasScope = ({ command }: Case, scope: 'publish' | 'impersonate' | 'admin' | 'read'): boolean =>
  command.rights.scopes?.includes(scope) ?? false

/** Neither was here, nor may read, nor could come in without an invitation, nor finds the room in the directory. */
function isHidden({ state, actor, now, command: { rights } }: Case): boolean {
  if (membershipOf(state, actor, now) !== 'none' || rights.read || rights.logs) return false
  if (settingOf(state, 'room.listed') === true || settingOf(state, 'room.history') === 'world') return false
  return settingOf(state, 'room.access') === 'limited'
}
