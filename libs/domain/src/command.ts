import type { Identity, RawJson } from './event.js'

/**
 * A command: an authenticated wish about one room. Doors build it, `decide` judges it.
 * The shell fills `at`, `offset` and `digest` from the command's record; nothing else in the domain knows a clock.
 */
export interface Command {
  /**
   * `room.create`, `room.delete`, `member.join|invite|leave|kick|ban|unban|knock|attest|profile`, `alias.claim|release`,
   * `profile.set|continue`, `time.passed`, the inbox's follow-ups (`room.joined`, `room.left`, `room.invited`, `room.followed`,
   * `room.marker`), or the type of a state event (`key` present, or a type of the domain's that is state) or message.
   */
  type: string
  room: string
  sender: Identity
  device: string
  rights: Rights
  content: RawJson
  actionId?: number
  prevActionId?: number
  /** String idempotency key of a service, per room. */
  idempotencyKey?: string
  /** Target of a membership command. */
  user?: string
  key?: string
  /** Optimistic check: the `seq` of the state that is replaced; 0 = nothing is there. */
  ifSeq?: number
  ref?: string
  follows?: string
  thread?: string
  mentions?: string[]
  onBehalfOf?: string
  channels?: string[]
  readers?: string[]
  /**
   * A multi-step command that is on its way (alias claim, restricted join): what to do next, and where.
   * Only the last step answers.
   */
  then?: Command
  /** The attestation that `member.attest` gives to a restricted join: the room that vouches. */
  vouchedBy?: string
  /** The alias that its own room has given to this command's room; the command is back from there. */
  claimed?: string
  /** Further rooms to ask for an attestation, after this one refuses. */
  vouchers?: string[]
  /** Milliseconds since 1970: the broker's append time of the command's record. */
  at: number
  /**
   * Set by the shell, in memory, on a command that waited (`park`) and is judged again: the log's time now.
   * From `park.untilMs` on the wait is over.
   */
  judgedAt?: number
  /** Digest of (type, content, envelope) for action IDs and idempotency keys. */
  digest: string
  /** Door's request ID, or `ingest.events/<partition>:<offset>`. */
  origin: string
}

/**
 * What the sender's token grants, already matched against the room by the door.
 * A door writes these members and no others, and never `internal`; nor does it ever write `then`, `vouchedBy`, `vouchers`,
 * `claimed` or `judgedAt` into a command: these are the authority's own.
 */
export interface Rights {
  /** The authority's own follow-up: it may do what it says. */
  internal?: boolean
  read?: boolean
  write?: boolean
  logs?: boolean
  admin?: boolean
  /** Scopes of a service token. */
  scopes?: ('publish' | 'impersonate' | 'read' | 'admin')[]
  service?: string
}

/**
 * A command that follows from an event or from a decision, for another entity (room, inbox, alias).
 * At most 128 from one event.
 */
export interface FollowUp {
  /**
   * Entity that it goes to; the shell finds topic and partition. `digest` and `origin` are given where it is a user's command
   * on its way: the shell keeps these, so that a repeat of the command is known, and makes them otherwise.
   */
  command: Omit<Command, 'at' | 'digest' | 'origin'> & Partial<Pick<Command, 'digest' | 'origin'>>
  /** True where the asker's reply address travels along (the last step answers). */
  carriesReply: boolean
}
