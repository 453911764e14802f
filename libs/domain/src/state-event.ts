/** State: (type, key) → content, where each event names what it replaces. */
import { checkAlias, claim } from './alias.js'
import { isGone, objectOf } from './content.js'
import { stateKey } from './entry-key.js'
import type { RawJson, RoomEvent } from './event.js'
import { permit } from './grants.js'
import { checkReferences } from './message.js'
import { checkMute } from './moderation.js'
import { judgeLevels, neededPower, powerLevels } from './power.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { checkEncryption, checkRoomKey, checkRoomState, isRoomState } from './room-state.js'
import type { Case, Draft, Outcome } from './rule.js'

/** The entry `state:<type>:<key>`. Gone state stays, with the content `null`. */
export interface StateEntry {
  content: RawJson
  seq: number
  /** ID of the event that set it. */
  event: string
}

/** Sets the app's state: power for state; under a key that begins with `@` only that user. */
export function setState(of: Case): Outcome {
  const { command, state, actor } = of
  const allowed = permit(of, neededPower(powerLevels(state), command.type, true), 'app state')
  if (isRefusal(allowed)) return allowed
  const key = command.key ?? ''
  if (key.startsWith('@') && key.slice(1) !== actor) return refuse('forbidden', `${key} is for that user alone`, { field: 'key' })
  const refused = checkReferences(of) ?? checkReplaced(of, key)
  return refused ?? { events: [draftOf(of, key, allowed.by)] }
}

/** Sets state of the domain's. An alias belongs to this room only after the alias's own room has said so. */
export function setRoomState(of: Case): Outcome {
  const judged = judgeRoomState(of)
  if (isRefusal(judged)) return judged
  const { command } = of
  const alias = command.type === 'room.alias' && !isGone(command.content) ? command.key : undefined
  if (alias !== undefined && command.claimed !== alias) return { forward: [claim(alias, of)] }
  return { events: [draftOf(of, command.key ?? '', judged.by)] }
}

export function evolveState(event: RoomEvent): StateEntry {
  return { content: event.content, seq: event.seq, event: event.id }
}

function judgeRoomState(of: Case): Refusal | { by?: 'grant' } {
  const { command, state, actor, limits } = of
  const { type } = command
  const allowed = permit(of, neededPower(powerLevels(state), type, true), 'other')
  if (isRefusal(allowed)) return allowed
  const key = command.key ?? ''
  const content = isGone(command.content) ? null : objectOf(command.content)
  if (isRefusal(content)) return content
  const refused =
    checkRoomKey(type, key) ??
    checkRoomState(type, content, limits) ??
    (type === 'room.mute' ? checkMute(of, allowed) : undefined) ??
    (type === 'room.mode' ? checkEncryption(state, content) : undefined) ??
    (type === 'room.power' ? judgeLevels(state, command.content, actor, allowed.power) : undefined) ??
    (type === 'room.alias' && content !== null ? checkAlias(key, limits, state) : undefined) ??
    checkReferences(of) ??
    checkReplaced(of, key)
  return refused ?? { by: allowed.by }
}

/** Optimistic: `ifSeq` names what is replaced. What is gone counts as nothing, too. */
function checkReplaced({ command, state }: Case, key: string): Refusal | undefined {
  if (command.ifSeq === undefined) return undefined
  const entry = state.get(stateKey(command.type, key)) as StateEntry | undefined
  const isNothing = entry === undefined || isGone(entry.content)
  if (command.ifSeq === entry?.seq || (command.ifSeq === 0 && isNothing)) return undefined
  return refuse('conflict', `this state is at seq ${entry?.seq ?? 0}`, { field: 'ifSeq' })
}

function draftOf({ command, state }: Case, key: string, by: 'grant' | undefined): Draft {
  const draft: Draft = { type: command.type, key, content: command.content }
  const replaced = state.get(stateKey(command.type, key)) as StateEntry | undefined
  if (replaced !== undefined && !isGone(replaced.content)) draft.prev = replaced.content
  if (command.ref !== undefined) draft.ref = command.ref
  if (command.follows !== undefined) draft.follows = command.follows
  if (command.thread !== undefined) draft.thread = command.thread
  if (command.mentions !== undefined) draft.mentions = command.mentions
  if (by) draft.by = by
  return draft
}

export const isState = (type: string, key: string | undefined): boolean => key !== undefined || isRoomState(type)
