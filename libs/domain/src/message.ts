/** Messages: anything that is not state. Contents are opaque; what a message refers to is not. */
import type { Command } from './command.js'
import type { RoomEvent } from './event.js'
import { hasScope, type Permit, permit } from './grants.js'
import { checkHeld, pace } from './moderation.js'
import { neededPower, powerLevels } from './power.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import type { Case, Draft, Outcome } from './rule.js'
import type { Entry, EntryKey } from './state.js'

/** Any message type: a reply (`ref`), in a thread, out of order (`follows`), with mentions. */
export function message(of: Case): Outcome {
  const allowed = permitPost(of)
  if (isRefusal(allowed)) return allowed
  const pacedUntil = pace(of, allowed)
  if (isRefusal(pacedUntil)) return pacedUntil
  return taken(of, allowed, pacedUntil === undefined ? {} : { pacedUntil })
}

/** New content for one's own message. */
export function edit(of: Case): Outcome {
  const allowed = permitPost(of)
  if (isRefusal(allowed)) return allowed
  const original = originalOf(of)
  if (isRefusal(original)) return original
  if (original.type === 'msg.edit') return refuse('invalid', 'an edit is not edited: name the original', { field: 'ref' })
  if (isReaction(original.type)) return refuse('invalid', 'a reaction is not edited: take it back', { field: 'ref' })
  if (authorOf(original) !== of.actor) return refuse('forbidden', 'only its sender edits a message', { field: 'ref' })
  return taken(of, allowed)
}

/** Deletes one's own message, or with power `redact` anybody's. */
export function erase(of: Case): Outcome {
  const allowed = permitMessage(of)
  if (isRefusal(allowed)) return allowed
  const original = originalOf(of)
  if (isRefusal(original)) return original
  const redacts = authorOf(original) === of.actor ? allowed : permit(of, powerLevels(of.state).redact, 'other')
  return isRefusal(redacts) ? redacts : taken(of, redacts, { erases: original.seq })
}

/** The IDs of the events that a message refers to; they must be there, in this room. */
export function messageNeeds(command: Command): string[] {
  const { ref, follows, thread } = command
  if (ref === undefined && follows === undefined && thread === undefined) return none
  return [...new Set([ref, follows, thread].filter((id) => id !== undefined))]
}

/** The entry `erased:<bucket>`: places of deleted events in their bucket, ascending. */
export type ErasedEntry = number[]

const perBucket = 1_024

export const erasedKey = (seq: number): EntryKey => `erased:${Math.floor(seq / perBucket)}`

export function evolveErased(entry: Entry | undefined, event: RoomEvent): ErasedEntry {
  const place = event.erases! % perBucket
  const places = (entry as ErasedEntry | undefined) ?? []
  return places.includes(place) ? places : [...places, place].sort((a, b) => a - b)
}

const none: string[] = []

/** Among `mentions`: all members. */
export const everybody = '@room'

/** The permit of who may say something here, now. */
export function permitPost(of: Case): Permit | Refusal {
  const allowed = permitMessage(of)
  return isRefusal(allowed) ? allowed : (checkHeld(of, allowed) ?? allowed)
}

const permitMessage = (of: Case) => permit(of, neededPower(powerLevels(of.state), of.command.type, false), 'message')

export function taken(of: Case, allowed: Permit, more: Partial<Draft> = {}): Outcome {
  const refused = checkForm(of) ?? checkReferences(of) ?? checkMentions(of, allowed)
  if (refused) return refused
  const { command } = of
  const draft: Draft = { type: command.type, content: command.content, ...more }
  if (command.user !== undefined) draft.user = command.user
  if (command.ref !== undefined) draft.ref = command.ref
  if (command.follows !== undefined) draft.follows = command.follows
  if (command.thread !== undefined) draft.thread = command.thread
  if (command.mentions !== undefined) draft.mentions = command.mentions
  if (allowed.by) draft.by = allowed.by
  return { events: [draft] }
}

/** Everybody is called together only with the power for it. */
function checkMentions({ command, state }: Case, { power }: Permit): Refusal | undefined {
  const needed = powerLevels(state).notifyRoom
  if (!command.mentions?.includes(everybody) || power >= needed) return undefined
  return refuse('forbidden', `to mention everybody needs power ${needed}, you have ${power}`, { field: 'mentions' })
}

function checkForm({ command }: Case): Refusal | undefined {
  if (command.ifSeq !== undefined) return refuse('invalid', 'ifSeq is for state', { field: 'ifSeq' })
  if (command.channels !== undefined) return refuse('invalid', 'channels are for system events', { field: 'channels' })
  return command.readers === undefined ? undefined : refuse('invalid', 'readers are for system events', { field: 'readers' })
}

export function checkReferences(of: Case): Refusal | undefined {
  const { command } = of
  if (command.ref === undefined && command.follows === undefined && command.thread === undefined) return undefined
  if (command.follows !== undefined && !hasScope(of, 'publish')) {
    return refuse('forbidden', 'only services append out of order', { field: 'follows' })
  }
  for (const field of ['ref', 'follows', 'thread'] as const) {
    if (command[field] !== undefined && eventOf(of, command[field]) === undefined) return noEvent(field)
  }
  const root = command.thread === undefined ? undefined : eventOf(of, command.thread)!
  if (root && isFact(root)) return refuse('invalid', 'a thread begins at a message', { field: 'thread' })
  return root?.thread === undefined ? undefined : refuse('invalid', 'a root is not itself in a thread', { field: 'thread' })
}

function eventOf({ referenced, command }: Case, id: string): RoomEvent | undefined {
  const found = referenced.get(id)
  return found === undefined || found === 'not_found' || found.event.room !== command.room ? undefined : found.event
}

/** The message that is edited, deleted or reacted to. */
export function originalOf(of: Case): RoomEvent | Refusal {
  const { command, state } = of
  if (command.ref === undefined) return refuse('invalid', 'ref is missing', { field: 'ref' })
  const original = eventOf(of, command.ref)
  if (original === undefined) return noEvent('ref')
  if (isFact(original) || original.type === 'msg.delete') return refuse('invalid', `${original.type} is not a message`, { field: 'ref' })
  const erased = state.get(erasedKey(original.seq)) as ErasedEntry | undefined
  return erased?.includes(original.seq % perBucket) ? refuse('not_found', 'this message was deleted', { field: 'ref' }) : original
}

export const isReaction = (type: string) => type === 'msg.reaction' || type === 'msg.unreact'

/** Membership, state and the room's own events: they are not edited, deleted, or answered in threads. */
const isFact = (event: RoomEvent) => event.key !== undefined || event.type.startsWith('member.') || event.type.startsWith('room.')

/** Whose message it is. */
const authorOf = (event: RoomEvent) => event.onBehalfOf ?? event.sender.id

const noEvent = (field: string) => refuse('not_found', `there is no such event in this room`, { field })
