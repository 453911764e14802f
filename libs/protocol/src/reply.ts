/**
 * The outcome of a command for the front door that asked: the value of `room.replies`.
 */
import type { RefusalCode } from '@roomlog/domain'

export interface Reply {
  /** Request ID of the door. */
  id: string
  ok?: Accepted
  error?: WireError
}

/** `event`, `seq` and `position` of the command's (last) event, and what the operation adds. */
export interface Accepted {
  event: string
  room: string
  seq: number
  position: string
  [more: string]: unknown
}

/** An error as clients see it, over every transport. */
export interface WireError {
  code: RefusalCode | DoorCode
  message: string
  retriable: boolean
  field?: string
  lastActionId?: number
  retryAfterMs?: number
}

/** Codes that only doors give. */
export type DoorCode = 'unauthenticated' | 'unknown' | 'wrong_epoch'
