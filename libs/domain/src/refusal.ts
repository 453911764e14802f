/**
 * Refusals: the expected "no" of the domain. Doors and the edge add their own codes in `protocol`,
 * which holds the whole table with HTTP statuses.
 */
export const refusalCodes = [
  'forbidden',
  'not_member',
  'banned',
  'not_found',
  'alias_taken',
  'conflict',
  'duplicate_reaction',
  'action_too_old',
  'action_gap',
  'expired',
  'too_large',
  'invalid',
  'limited',
  'internal',
  'unavailable',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

/** A refusal is a value, returned and never thrown. `field` names the offending part of the command. */
export interface Refusal {
  refused: RefusalCode
  message: string
  field?: string
  /** Whether the same command may succeed later; default false. */
  retriable?: boolean
  /** `conflict` of an action ID: the highest ID that the room has accepted from this device. */
  lastActionId?: number
  /** `limited`: milliseconds after which it is worth trying again. */
  retryAfterMs?: number
}

export function refuse(code: RefusalCode, message: string, more: Omit<Refusal, 'refused' | 'message'> = {}): Refusal {
  return { refused: code, message, ...more }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value
}
