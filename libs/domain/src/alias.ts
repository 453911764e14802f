/**
 * Aliases. The alias `a` is the room `#a`, which belongs to one room at a time: two rooms that want it meet there, in order.
 *
 * A command that gives a room an alias visits `#a` first (`alias.claim`, carrying the command as `then`), comes back with
 * `claimed`, and is judged by its room. If the room then refuses it, `alias.release` follows.
 */
import type { Command, FollowUp } from './command.js'
import { contentOf, isGone, json, objectOf } from './content.js'
import { aliasKey, stateKey, stateKeysOf } from './entry-key.js'
import { checkName } from './envelope.js'
import type { RoomEvent } from './event.js'
import type { DomainLimits } from './limits.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import { aliasRoom } from './room-id.js'
import type { Case, Outcome } from './rule.js'
import type { RoomState } from './state.js'
import type { StateEntry } from './state-event.js'
import { forwarded } from './vouch.js'

/** The entry `alias` of the room `#<alias>`. */
export interface AliasEntry {
  /** The room that owns it; absent = free. */
  room?: string
}

/** In the alias's room: it is given to the room that asks, unless another has it. */
export function claimAlias(of: Case): Outcome {
  const { command, state } = of
  const room = claimant(of)
  if (isRefusal(room)) return room
  const owner = (state.get(aliasKey) as AliasEntry | undefined)?.room
  const alias = command.room.slice(1)
  if (owner !== undefined && owner !== room) return refuse('alias_taken', `the alias ${alias} belongs to another room`, { field: 'alias' })
  const then = command.then ? [forwarded(command.then, { claimed: alias })] : []
  if (owner === room) return then.length > 0 ? { forward: then } : { events: [] }
  return { events: [{ type: 'alias.claim', content: json({ room }) }], then }
}

/** In the alias's room: it is free again, if it belonged to the room that gives it back. */
export function releaseAlias(of: Case): Outcome {
  const room = claimant(of)
  if (isRefusal(room)) return room
  if ((of.state.get(aliasKey) as AliasEntry | undefined)?.room !== room) return { events: [] }
  return { events: [{ type: 'alias.release', content: json({ room }) }] }
}

export function evolveAlias(event: RoomEvent): AliasEntry {
  return event.type === 'alias.claim' ? { room: (JSON.parse(event.content) as { room: string }).room } : {}
}

/** Sends a command on its way through the alias's room. */
export function claim(alias: string, { command }: Case): FollowUp {
  return {
    command: {
      type: 'alias.claim',
      room: aliasRoom(alias),
      sender: command.sender,
      device: command.device,
      rights: { internal: true },
      content: json({ room: command.room }),
      then: command,
    },
    carriesReply: true,
  }
}

/** The refusal of a command that came back from the alias's room: what was claimed for it is given back. */
export function giveBack(refusal: Refusal, of: Case): Refusal & { then?: FollowUp[] } {
  const { claimed } = of.command
  if (claimed === undefined || hasAlias(of.state, claimed)) return refusal
  return { ...refusal, then: [release(claimed, of.command)] }
}

export function release(alias: string, { room, sender }: Pick<Command, 'room' | 'sender'>): FollowUp {
  return {
    command: {
      type: 'alias.release',
      room: aliasRoom(alias),
      sender,
      device: '',
      rights: { internal: true },
      content: json({ room }),
    },
    carriesReply: false,
  }
}

/** The aliases of a room, in order. */
export function aliasesOf(state: RoomState): string[] {
  const prefix = stateKeysOf('room.alias')
  const held = [...state.keys(prefix)].filter((key) => contentOf(state.get(key) as StateEntry) !== undefined)
  return held.map((key) => key.slice(prefix.length)).sort()
}

export function hasAlias(state: RoomState, alias: string): boolean {
  const entry = state.get(stateKey('room.alias', alias)) as StateEntry | undefined
  return entry !== undefined && !isGone(entry.content)
}

/** The form of an alias and, where a room is given, that it has not too many. */
export function checkAlias(alias: unknown, limits: DomainLimits, state?: RoomState): Refusal | undefined {
  const refused = checkName(alias, 'alias', { ...limits, nameBytesMax: limits.nameBytesMax - 1 })
  if (refused) return refused
  if ((alias as string).startsWith('#')) return refuse('invalid', 'an alias is given without its #', { field: 'alias' })
  if (state === undefined || hasAlias(state, alias as string) || aliasesOf(state).length < limits.aliasesMax) return undefined
  return refuse('limited', `a room has at most ${limits.aliasesMax} aliases`, { field: 'alias' })
}

/** Only the authority itself comes here, for a room that it names. */
function claimant({ command }: Case): string | Refusal {
  if (!command.rights.internal) return refuse('forbidden', 'an alias is given by setting room.alias in a room')
  const content = objectOf(command.content)
  if (isRefusal(content)) return content
  return typeof content.room === 'string' ? content.room : refuse('invalid', 'room is missing', { field: 'content' })
}
