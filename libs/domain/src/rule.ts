/** What every rule is given, and what it may answer. */
import type { Command } from './command.js'
import type { EventDraft } from './event.js'
import type { DomainLimits } from './limits.js'
import type { RoomEntry } from './room.js'
import type { Decision, References } from './rules.js'
import type { RoomState } from './state.js'

/** One command before its room, as a rule sees it. */
export interface Case {
  state: RoomState
  command: Command
  referenced: References
  limits: DomainLimits
  /** The room's time at which the command is judged. */
  now: number
  /** Whose act it is: `onBehalfOf` where a service speaks for a user, else the sender. Membership and power are this one's. */
  actor: string
  room: RoomEntry | undefined
}

/** An event without what `room.ts` puts on every event of a command: who sent it, and from where. */
export type Draft = Omit<EventDraft, 'sender' | 'device' | 'onBehalfOf' | 'action' | 'origin'>

export type Outcome =
  | (Omit<Extract<Decision, { events: unknown }>, 'events'> & { events: Draft[] })
  | Exclude<Decision, { events: unknown }>

export type Rule = (of: Case) => Outcome
