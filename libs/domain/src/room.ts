/**
 * A room: one command in, its events (or a refusal) out.
 *
 * A room is an event log. Its state is a fold of its events (`evolve.ts`), and a command is judged on that state alone:
 * no clock, no random source, nothing read from outside. So every authority that has read the same log decides the same,
 * and a repeated decision costs nothing but time.
 *
 * The way of a command:
 *   form      what is not well formed is refused                                   (envelope.ts)
 *   repeat    what was taken before gets its first result again                    (action.ts, origin.ts)
 *   order     what comes before its device's previous action waits for it          (action.ts)
 *   rule      the one of its type in this kind of room judges it                   (decide.ts → one file per noun)
 *   stamp     its events are given sender, device and what recognises a repeat     (here)
 * The authority then appends the events with `seq` = `nextSeq`, + 1, … and `at` = `roomTime`, and folds them. `seq` is gapless
 * because only the fold of an appended event moves it.
 */
import { judgeAction } from './action.js'
import { giveBack } from './alias.js'
import type { Command } from './command.js'
import { ruleOf } from './decide.js'
import { roomKey } from './entry-key.js'
import { checkEnvelope } from './envelope.js'
import type { EventDraft, RoomEvent } from './event.js'
import { type DomainLimits, defaultLimits } from './limits.js'
import { findOrigin, originOf } from './origin.js'
import { isRefusal } from './refusal.js'
import type { Case, Draft } from './rule.js'
import type { Decision, References } from './rules.js'
import type { Entry, RoomState } from './state.js'

/** The entry `room`: what every event of the room changes. */
export interface RoomEntry {
  /** `seq` and time of the last event. */
  seq: number
  at: number
  /** A `room.created` was appended. Inboxes, aliases and system areas are there without. */
  created?: boolean
  type?: string
  deleted?: boolean
}

/** Judges one command. Pure, total and deterministic. */
export function decide(state: RoomState, command: Command, referenced: References, limits: DomainLimits = defaultLimits): Decision {
  const malformed = checkEnvelope(command, limits)
  if (malformed) return malformed
  const room = state.get(roomKey) as RoomEntry | undefined
  const actor = command.onBehalfOf ?? command.sender.id
  const of: Case = { state, command, referenced, limits, now: roomTime(state, command), actor, room }
  const earlier = command.actionId === undefined ? findOrigin(of) : judgeAction(of)
  const outcome = earlier ?? ruleOf(of)(of)
  if ('events' in outcome) return { ...outcome, events: stamp(outcome.events as Draft[], command) }
  return isRefusal(outcome) ? giveBack(outcome, of) : outcome
}

/**
 * The time of a command's events in milliseconds since 1970: the broker's time of the command, but never before the
 * room's last event. A command that waited is judged at the time at which its waiting ended.
 */
export function roomTime(state: RoomState, command: Pick<Command, 'at' | 'judgedAt'>): number {
  const last = (state.get(roomKey) as RoomEntry | undefined)?.at ?? 0
  return Math.max(last, command.judgedAt ?? command.at)
}

/** The `seq` of the next event: 1, 2, 3 … */
export function nextSeq(state: RoomState): number {
  return ((state.get(roomKey) as RoomEntry | undefined)?.seq ?? 0) + 1
}

export function evolveRoom(entry: Entry | undefined, event: RoomEvent): RoomEntry {
  const room = { ...(entry as RoomEntry | undefined), seq: event.seq, at: event.at }
  if (event.type === 'room.created') {
    room.created = true
    const { type } = JSON.parse(event.content) as { type?: string }
    if (type !== undefined) room.type = type
  }
  if (event.type === 'room.deleted') room.deleted = true
  return room
}

/**
 * Only the last event of a command carries what recognises a repeat, so that no two events have one action.
 * All of them are one record batch: if the last is in the log, all are.
 */
function stamp(drafts: Draft[], command: Command): EventDraft[] {
  const events = drafts as EventDraft[]
  for (const event of events) {
    event.sender = command.sender
    event.device = command.device
    if (command.onBehalfOf !== undefined) event.onBehalfOf = command.onBehalfOf
  }
  const last = events.at(-1)
  if (last !== undefined) markRepeat(last, command)
  return events
}

function markRepeat(event: EventDraft, command: Command): void {
  const { actionId: id, prevActionId: prev, digest } = command
  if (id !== undefined) event.action = prev === undefined ? { id, digest } : { id, prev, digest }
  const origin = originOf(command)
  if (origin !== undefined) event.origin = origin
}
