/**
 * Inboxes. `@<user>` is that user's own room: there with its first command, read by nobody else.
 *
 * What happened to the user elsewhere arrives as follow-ups of the authority; read markers are state of the inbox and
 * move forward only; services with scope `publish` may notify.
 */
import { isGone, objectOf } from './content.js'
import { joinedKey, stateKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import { hasScope, publishes } from './grants.js'
import { messageNeeds } from './message.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { inboxOf } from './room-id.js'
import type { Case, Draft, Outcome } from './rule.js'
import type { Entry, EntryKey } from './state.js'
import { isState, type StateEntry } from './state-event.js'

/** Only the authority tells: what became of the user's memberships. */
export function notice(of: Case): Outcome {
  return of.command.rights.internal ? { events: [draftOf(of)] } : refuse('forbidden', `${of.command.type} comes from the authority`)
}

/** Only services tell, for example `file.saved`. */
export function serviceNotice(of: Case): Outcome {
  const isService = of.command.rights.internal || publishes(of)
  return isService ? { events: [draftOf(of)] } : refuse('forbidden', `${of.command.type} comes from services`)
}

/** Anything else in an inbox is the user's own, or a service's. */
export function inboxEvent(of: Case): Outcome {
  return checkOwner(of) ?? checkPlain(of) ?? { events: [draftOf(of)] }
}

/** A read marker: state under the room's ID that never moves back. An older one is answered with the newer. */
export function marker(of: Case): Outcome {
  const { command, state } = of
  const refused = checkOwner(of)
  if (refused) return refused
  if (!command.key) return refuse('invalid', 'room.marker needs a key, the room', { field: 'key' })
  const content = objectOf(command.content)
  if (isRefusal(content)) return content
  if (!Number.isSafeInteger(content.seq)) return refuse('invalid', 'seq must be an integer', { field: 'content' })
  const before = state.get(stateKey(command.type, command.key)) as StateEntry | undefined
  if (before !== undefined && (JSON.parse(before.content) as { seq: number }).seq >= (content.seq as number)) {
    return { repeat: { event: before.event, seq: before.seq } }
  }
  return { events: [draftOf(of)] }
}

/** The user, whoever may speak for them, services, and the authority. */
export function checkOwner(of: Case): Refusal | undefined {
  const { command, actor } = of
  if (command.rights.internal || command.room === inboxOf(actor) || publishes(of) || hasScope(of, 'admin')) return undefined
  return refuse('forbidden', 'this inbox is not yours')
}

/** The entry that a notice changes: the inbox holds the list of the user's rooms. */
export function joinedTouched(event: RoomEvent): EntryKey {
  return joinedKey((JSON.parse(event.content) as { room: string }).room)
}

/** The entry `joined:<room>`: `seq` in that room of the join, or 0 after leaving. */
export interface JoinedEntry {
  seq: number
}

/** A room's own notices come in its order; `seq` is that of the room, so that an older one changes nothing. */
export function evolveJoined(entry: Entry | undefined, event: RoomEvent): JoinedEntry & { left?: boolean } {
  const before = entry as JoinedEntry | undefined
  const { seq } = JSON.parse(event.content) as { seq: number }
  if (before !== undefined && before.seq > seq) return before
  return event.type === 'room.joined' ? { seq } : { seq, left: true }
}

function checkPlain({ command }: Case): Refusal | undefined {
  if (messageNeeds(command).length > 0) return refuse('invalid', 'an inbox has no threads and answers', { field: 'ref' })
  if (command.channels || command.readers) return refuse('invalid', 'channels and readers are for system events', { field: 'channels' })
  return undefined
}

export function draftOf({ command, state }: Case): Draft {
  const draft: Draft = { type: command.type, content: command.content }
  if (command.user !== undefined) draft.user = command.user
  if (!isState(command.type, command.key)) return draft
  draft.key = command.key ?? ''
  const replaced = state.get(stateKey(command.type, draft.key)) as StateEntry | undefined
  if (replaced !== undefined && !isGone(replaced.content)) draft.prev = replaced.content
  return draft
}
