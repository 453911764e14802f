/** Membership commands: who may come, bring, go, and be sent away. The table of rules.md, one function a line. */
import { isObject, objectOf } from './content.js'
import { banned, outsider, permit } from './grants.js'
import { type MemberEntry, type Membership, memberOf, membershipOf } from './membership.js'
import { powerLevels, powerOf } from './power.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { settingOf } from './room-state.js'
import type { Case, Draft, Outcome } from './rule.js'
import { judgeRestricted } from './vouch.js'

/** Joining again is the first join again: a member comes in once. */
export function join(of: Case): Outcome {
  const refused = checkOwn(of) ?? checkReason(of)
  if (refused) return refused
  const membership = membershipOf(of.state, of.actor, of.now)
  const member = memberOf(of.state, of.actor)
  if (membership === 'joined') return { repeat: { event: member!.event, seq: member!.seq } }
  if (membership === 'banned') return banned(of)
  const access = settingOf(of.state, 'room.access')
  if (membership === 'invited' || access === 'public') return taken(of, 'member.join', of.actor)
  if (access === 'restricted') return judgeRestricted(of, (content) => taken(of, 'member.join', of.actor, content))
  const stranger = outsider(of)
  return stranger.refused === 'not_found' ? stranger : refuse('forbidden', 'this room is entered by invitation')
}

export function knock(of: Case): Outcome {
  const refused = checkOwn(of) ?? checkReason(of)
  if (refused) return refused
  const membership = membershipOf(of.state, of.actor, of.now)
  if (membership === 'banned') return banned(of)
  if (membership === 'joined' || membership === 'invited') return refuse('conflict', `you are already ${membership}`)
  if (membership === 'knocking') return refuse('conflict', 'you have knocked already')
  if (settingOf(of.state, 'room.access') === 'knock') return taken(of, 'member.knock', of.actor)
  const stranger = outsider(of)
  return stranger.refused === 'not_found' ? stranger : refuse('forbidden', 'nobody answers a knock at this room')
}

/** Leaving an invitation declines it. */
export function leave(of: Case): Outcome {
  const refused = checkOwn(of) ?? checkReason(of)
  if (refused) return refused
  const membership = membershipOf(of.state, of.actor, of.now)
  if (isIn(membership) || membership === 'knocking') return taken(of, 'member.leave', of.actor)
  return membership === 'banned' ? banned(of) : outsider(of)
}

export function invite(of: Case): Outcome {
  const allowed = permit(of, powerLevels(of.state).invite, 'other')
  if (isRefusal(allowed)) return allowed
  const refused = checkTarget(of) ?? checkReason(of)
  if (refused) return refused
  const user = of.command.user!
  const membership = membershipOf(of.state, user, of.now)
  if (membership === 'joined') return refuse('conflict', `${user} is in this room already`, { field: 'user' })
  if (membership === 'banned') return refuse('forbidden', `${user} is banned from this room`, { field: 'user' })
  return by(taken(of, 'member.invite', user), allowed.by)
}

export const kick = (of: Case): Outcome =>
  remove(of, 'kick', (membership, user) =>
    isIn(membership) ? undefined : refuse('not_member', `${user} is not in this room`, { field: 'user' }),
  )

/** Also of somebody who never was here, and again with another end. */
export const ban = (of: Case): Outcome => remove(of, 'ban', () => checkUntil(of))

export const unban = (of: Case): Outcome =>
  remove(of, 'unban', (membership, user) =>
    membership === 'banned' ? undefined : refuse('conflict', `${user} is not banned`, { field: 'user' }),
  )

/** Needs the power to do it, and more power than whom it concerns. */
function remove(of: Case, what: 'kick' | 'ban' | 'unban', check: (membership: Membership, user: string) => Refusal | undefined): Outcome {
  const levels = powerLevels(of.state)
  const allowed = permit(of, what === 'kick' ? levels.kick : levels.ban, 'other')
  if (isRefusal(allowed)) return allowed
  const malformed = checkTarget(of) ?? checkReason(of)
  if (malformed) return malformed
  const user = of.command.user!
  if (powerOf(levels, user) >= allowed.power) return refuse('forbidden', `${user} has as much power as you`, { field: 'user' })
  return check(membershipOf(of.state, user, of.now), user) ?? by(taken(of, `member.${what}`, user), allowed.by)
}

const isIn = (membership: Membership) => membership === 'joined' || membership === 'invited'

function taken(of: Case, type: string, user: string, content = of.command.content): { events: Draft[] } {
  const draft: Draft = { type, user, content }
  const ended = answers(memberOf(of.state, user), type)
  if (ended !== undefined) draft.ref = ended
  return { events: [draft] }
}

/** The join, invitation or knock that the event answers or ends. */
function answers(member: MemberEntry | undefined, type: string): string | undefined {
  if (member === undefined || type === 'member.unban') return undefined
  return isIn(member.membership) || member.membership === 'knocking' ? member.event : undefined
}

function by(outcome: { events: Draft[] }, grant: 'grant' | undefined): Outcome {
  if (grant) for (const draft of outcome.events) draft.by = grant
  return outcome
}

function checkOwn({ command, actor }: Case): Refusal | undefined {
  if (command.user === undefined || command.user === actor) return undefined
  return refuse('forbidden', `${command.type} is for oneself`, { field: 'user' })
}

function checkTarget({ command }: Case): Refusal | undefined {
  return command.user === undefined ? refuse('invalid', 'user is missing', { field: 'user' }) : undefined
}

function checkReason({ command }: Case): Refusal | undefined {
  const content = objectOf(command.content)
  if (isRefusal(content)) return content
  if (content.reason !== undefined && typeof content.reason !== 'string')
    return refuse('invalid', 'reason must be a text', { field: 'content' })
  return content.vouchedBy === undefined ? undefined : refuse('invalid', 'vouchedBy is given by the named room', { field: 'content' })
}

function checkUntil({ command, now }: Case): Refusal | undefined {
  const content = objectOf(command.content)
  if (!isObject(content) || content.until === undefined) return undefined
  if (Number.isSafeInteger(content.until) && (content.until as number) > now) return undefined
  return refuse('invalid', 'until must be a time to come, in milliseconds since 1970', { field: 'content' })
}
