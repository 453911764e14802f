/**
 * The whole table of codes: what a client may be told, over every transport, and whether it is worth trying again.
 * Replies and closes are two tables, never mixed.
 */
import type { Refusal, RefusalCode } from '@roomlog/domain'
import type { DoorCode, WireError } from './reply.js'

export type Code = RefusalCode | DoorCode

export interface CodeMeaning {
  status: number
  /** Whether the same request may succeed later. */
  retriable: boolean
  meaning: string
}

export const codes: Readonly<Record<Code, CodeMeaning>> = {
  unauthenticated: { status: 401, retriable: false, meaning: 'no token, or one that is expired, malformed or not ours' },
  forbidden: { status: 403, retriable: false, meaning: 'you are known, and may not do this' },
  not_member: { status: 403, retriable: false, meaning: 'only members may do this' },
  banned: { status: 403, retriable: false, meaning: 'you are banned from this room' },
  not_found: { status: 404, retriable: false, meaning: 'it does not exist, or you may not know that it does' },
  alias_taken: { status: 409, retriable: false, meaning: 'another room has this alias' },
  conflict: { status: 409, retriable: false, meaning: 'what you meant to replace, or the action you repeat, is another one' },
  duplicate_reaction: { status: 409, retriable: false, meaning: 'you reacted with this key already' },
  action_too_old: { status: 409, retriable: false, meaning: 'the action ID is below the window of remembered results' },
  action_gap: { status: 409, retriable: true, meaning: 'the previous action never came' },
  expired: { status: 410, retriable: false, meaning: 'the ticket or call has ended' },
  wrong_epoch: { status: 410, retriable: false, meaning: 'the position belongs to another log: reload' },
  too_large: { status: 413, retriable: false, meaning: 'larger than the limit' },
  invalid: { status: 422, retriable: false, meaning: 'not understood; `field` names the offending part' },
  limited: { status: 429, retriable: true, meaning: 'too many; try again after `retryAfterMs`' },
  internal: { status: 500, retriable: false, meaning: 'a bug on our side; nothing was appended' },
  unavailable: { status: 503, retriable: true, meaning: 'definitely not appended; try again' },
  unknown: { status: 504, retriable: true, meaning: 'may or may not have been appended: repeat with the same action ID' },
}

export const isCode = (code: unknown): code is Code => typeof code === 'string' && Object.hasOwn(codes, code)

/** An error as it goes over the wire. */
export function wireError(code: Code, message: string = codes[code].meaning, more: Partial<WireError> = {}): WireError {
  return { code, message, retriable: codes[code].retriable, ...more }
}

/** A refusal of the domain as it goes over the wire. */
export function refusalError({ refused, message, field, retriable, lastActionId, retryAfterMs }: Refusal): WireError {
  const error = wireError(refused, message)
  if (retriable !== undefined) error.retriable = retriable
  if (field !== undefined) error.field = field
  if (lastActionId !== undefined) error.lastActionId = lastActionId
  if (retryAfterMs !== undefined) error.retryAfterMs = retryAfterMs
  return error
}

export interface CloseMeaning {
  name: string
  meaning: string
}

/** Why an edge ended a connection. The range tells a client whether to come back. */
export const closeCodes = {
  4000: { name: 'drain', meaning: 'this edge is going away' },
  4001: { name: 'slow', meaning: 'the connection could not keep up' },
  4002: { name: 'edge_failing', meaning: 'this edge cannot serve you now' },
  4100: { name: 'no_pong', meaning: 'pings were not answered' },
  4101: { name: 'overloaded', meaning: 'this edge has too much to do' },
  4200: { name: 'bad_token', meaning: 'the token was not accepted, or none came in time' },
  4201: { name: 'expired', meaning: 'the token has expired' },
  4202: { name: 'limit', meaning: 'too many messages, connections or subscriptions' },
  4203: { name: 'protocol_error', meaning: 'a frame was not understood' },
  4204: { name: 'too_large', meaning: 'a frame was larger than the limit' },
  4206: { name: 'device_revoked', meaning: 'this device was signed out' },
} as const satisfies Record<number, CloseMeaning>

export type CloseCode = keyof typeof closeCodes

export type ComeBack = 'at_once' | 'after_delay' | 'no'

/** 4000–4099 come back at once, 4100–4199 after the delay, 4200–4299 not; anything else is the network's: after the delay. */
export function comeBack(closeCode: number): ComeBack {
  if (closeCode >= 4000 && closeCode < 4100) return 'at_once'
  if (closeCode >= 4200 && closeCode < 4300) return 'no'
  return 'after_delay'
}
