/**
 * Devices that are signed out. `device.revoked` is state of the user's inbox under the device's ID: the tokens that were issued for
 * this device up to then are none any more. A device comes back with a token that is issued later.
 */
import { objectOf } from './content.js'
import type { RoomEvent } from './event.js'
import { checkOwner, draftOf } from './inbox.js'
import { isRefusal, refuse } from './refusal.js'
import { roomKind } from './room-id.js'
import type { Case, Outcome } from './rule.js'

export interface Revocation {
  user: string
  device: string
  /** Milliseconds since 1970, of the log. */
  at: number
}

/** The user signs a device out, or a service of the product does. */
export function revokeDevice(of: Case): Outcome {
  const refused = checkOwner(of)
  if (refused) return refused
  if (!of.command.key) return refuse('invalid', 'device.revoked needs a key, the device', { field: 'key' })
  const content = objectOf(of.command.content)
  return isRefusal(content) ? content : { events: [draftOf(of)] }
}

/** What an event of an inbox says about a device; undefined for every other event. */
export function revocationOf(event: Pick<RoomEvent, 'type' | 'room' | 'key' | 'at'>): Revocation | undefined {
  if (event.type !== 'device.revoked' || event.key === undefined || roomKind(event.room) !== 'inbox') return undefined
  return { user: event.room.slice(1), device: event.key, at: event.at }
}

/**
 * Whether a token is refused. Tokens count whole seconds, so one of the very second of the revocation is refused too; one that
 * does not say when it was issued (`iat`) is refused for good once its device was signed out.
 *
 * @param revokedAtMs of the device, absent = never @param issuedAtMs of the token
 */
export function isRevoked(revokedAtMs: number | undefined, issuedAtMs: number | undefined): boolean {
  return revokedAtMs !== undefined && (issuedAtMs ?? 0) <= revokedAtMs
}
