import type { Command, FollowUp } from './command.js'
import type { EventDraft, RoomEvent } from './event.js'
import type { Refusal } from './refusal.js'
import type { Entry, EntryKey, RoomState } from './state.js'

/** What `decide` needs to know about an event that a command refers to. Immutable once appended. */
export interface Referenced {
  event: RoomEvent
}

/** Why a reference could not be given: it is not an event of this room. (What cannot be read now is a failure of the shell.) */
export type References = ReadonlyMap<string, Referenced | 'not_found'>

export type Decision =
  /** The command is taken. `result` is merged into the answer. `then` are follow-ups of the decision itself. */
  | { events: EventDraft[]; then?: FollowUp[]; result?: Record<string, unknown> }
  /** A repeat: the first result again. */
  | { repeat: { event: string; seq: number } }
  /** Nothing is decided here; another entity goes on and answers. */
  | { forward: FollowUp[] }
  /** Wait until this device's action `for` is decided. */
  | { park: { for: number; untilMs: number } }
  | (Refusal & { then?: FollowUp[] })

/** The IDs of the events that `decide` must be given. */
export type Needs = (command: Command) => string[]
/** Judges one command. Pure and total: a throw is a bug, caught per command by the shell. */
export type Decide = (state: RoomState, command: Command, referenced: References) => Decision
/** The entry keys that an event changes. */
export type Touches = (event: RoomEvent) => EntryKey[]
/** The new value of one entry, from that entry and the event alone. */
export type EvolveEntry = (key: EntryKey, entry: Entry | undefined, event: RoomEvent) => Entry
/** The commands that an event causes elsewhere (inboxes of those it concerns, alias release …); at most 128. */
export type FollowUps = (event: RoomEvent, state: RoomState) => FollowUp[]
