/**
 * What keeps a member from posting: a mute (`room.mute`), a frozen room and slow mode (`room.mode`). Those with the power for
 * state are moderators, and exempt. Reading, leaving and deleting one's own words stay possible.
 *
 * Slow mode: the event itself says until when its sender waits (header `paced`), because the fold of an entry knows neither the
 * room's mode nor the time. What has ended is dropped from the entry by the next event there, so that only those who wait are kept.
 */
import { contentOf } from './content.js'
import { stateKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import { hasScope, type Permit, publishes } from './grants.js'
import { fnv1a } from './hash.js'
import { powerLevels, powerOf } from './power.js'
import { type Refusal, refuse } from './refusal.js'
import type { Case } from './rule.js'
import type { Entry, EntryKey } from './state.js'
import type { StateEntry } from './state-event.js'

/** The entry `paced:<bucket>`: who waits, until when in milliseconds since 1970. */
export type PacedEntry = [user: string, untilMs: number][]

const buckets = 1_024
/** Beyond it whoever has waited longest may speak again: a bound, met only where very many wait for very long. */
const perBucketMax = 256

/** The refusal of a post by somebody who is muted, or in a frozen room. `retryAfterMs` where the end is known. */
export function checkHeld(of: Case, permit: Permit): Refusal | undefined {
  if (isModerator(of, permit)) return undefined
  if (modeOf(of)?.frozen === true) return refuse('forbidden', 'this room is frozen')
  const mute = contentOf(of.state.get(stateKey('room.mute', of.actor)) as StateEntry | undefined)
  if (mute === undefined) return undefined
  const until = mute.until as number | undefined
  if (until === undefined) return refuse('forbidden', 'you are muted in this room')
  return until > of.now ? refuse('forbidden', 'you are muted in this room', { retryAfterMs: until - of.now }) : undefined
}

/** In slow mode: until when the sender waits after this message, or the refusal of one that comes too soon. */
export function pace(of: Case, permit: Permit): number | undefined | Refusal {
  const slowModeMs = modeOf(of)?.slowModeMs as number | undefined
  if (!slowModeMs || isModerator(of, permit) || publishes(of) || of.command.type.startsWith('call.')) return undefined
  const waiting = of.state.get(pacedKey(of.actor)) as PacedEntry | undefined
  const until = waiting?.find(([user]) => user === of.actor)?.[1] ?? 0
  if (until > of.now) return refuse('limited', 'this room is in slow mode', { retriable: true, retryAfterMs: until - of.now })
  return of.now + slowModeMs
}

/** Nobody mutes whom they could not kick. */
export function checkMute({ state, actor, command }: Case, permit: Permit): Refusal | undefined {
  const user = command.key!
  if (user === actor || powerOf(powerLevels(state), user) < permit.power) return undefined
  return refuse('forbidden', `${user} has as much power as you`, { field: 'key' })
}

export const pacedKey = (user: string): EntryKey => `paced:${fnv1a(user) % buckets}`

export function evolvePaced(entry: Entry | undefined, event: RoomEvent): PacedEntry {
  const user = event.onBehalfOf ?? event.sender.id
  const waiting = ((entry as PacedEntry | undefined) ?? []).filter(([known, until]) => known !== user && until > event.at)
  return [...waiting, [user, event.pacedUntil!] satisfies PacedEntry[number]].slice(-perBucketMax)
}

const modeOf = ({ state }: Case) => contentOf(state.get(stateKey('room.mode', '')) as StateEntry | undefined)

function isModerator(of: Case, { power }: Permit): boolean {
  return power >= powerLevels(of.state).stateDefault || of.command.rights.admin === true || hasScope(of, 'admin')
}
