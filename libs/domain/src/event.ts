/**
 * Events: facts of one room, in the one order of that room.
 */

/** JSON text exactly as it was sent; the domain parses only the contents of the types that it owns. */
export type RawJson = string

export interface Identity {
  id: string
  name?: string
  avatar?: string
}

/** What `decide` returns: an event without the parts that only the log can give. */
export interface EventDraft {
  type: string
  sender: Identity
  content: RawJson
  /** Whom a membership event concerns. */
  user?: string
  /** State key. Present (also empty) = this is a state event. */
  key?: string
  /** ID of the event that this one refers to (edited, deleted, answered; the join that a leave ends). */
  ref?: string
  /** Out of order: ID of the event that this one comes after in history. */
  follows?: string
  /** ID of the root event of a thread. */
  thread?: string
  /** User IDs, at most 100. */
  mentions?: string[]
  /** Content of the state that this event replaces. */
  prev?: RawJson
  onBehalfOf?: string
  /** Set where a token's grant, and not membership, allowed the event. */
  by?: 'grant'
  /** Labels of a system event. */
  channels?: string[]
  /** Who may read a system event: any, users, user:<id>, team:<t>, team:<t>/<role>. */
  readers?: string[]
  /** A deletion: the `seq` of the event whose content is gone. Record header `erases`, not in the JSON. */
  erases?: number
  /** Slow mode: until when its sender waits, in milliseconds since 1970. Record header `paced`, never in the JSON. */
  pacedUntil?: number
  /** Device of the sender; record header `device`, never in the JSON. */
  device?: string
  /** The numbered action that caused the event; record header `action`, never in the JSON. */
  action?: Action
  /** `idempotencyKey` or the door's origin; record header `origin`, never in the JSON. */
  origin?: string
}

/** One numbered action of a device, as the room remembers it. */
export interface Action {
  id: number
  prev?: number
  /** Digest of (type, content, envelope), given by the shell in the command. */
  digest: string
}

/** An appended event. `id`, `seq`, `at` and `room` are given by the authority's shell. */
export interface RoomEvent extends EventDraft {
  id: string
  room: string
  /** 1, 2, 3 … without a gap, per room. */
  seq: number
  /** The room's time in milliseconds since 1970; never goes back. */
  at: number
}
