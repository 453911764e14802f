/**
 * Power: a number that allows. Kept in the state `room.power`; what is not named there has its default.
 * Terms and defaults after the Matrix client-server specification v1.19, `m.room.power_levels`.
 */
import { contentOf, isObject, type JsonObject, objectOf } from './content.js'
import { stateKey } from './entry-key.js'
import type { RawJson } from './event.js'
import { isRefusal, type Refusal, refuse } from './refusal.js'
import type { RoomState } from './state.js'
import type { StateEntry } from './state-event.js'

export interface PowerLevels {
  users: Record<string, number>
  usersDefault: number
  events: Record<string, number>
  eventsDefault: number
  stateDefault: number
  invite: number
  kick: number
  ban: number
  redact: number
  notifyRoom: number
}

const defaults = { usersDefault: 0, eventsDefault: 0, stateDefault: 50, invite: 0, kick: 50, ban: 50, redact: 50, notifyRoom: 50 }
const numbers = Object.keys(defaults) as (keyof typeof defaults)[]

/** State that decides about everybody's rights needs 100 unless the room says otherwise. */
const guarded = new Set(['room.access', 'room.history', 'room.listed', 'room.power', 'room.mode'])
export const guardedPower = 100

export function powerLevels(state: RoomState): PowerLevels {
  const entry = state.get(stateKey('room.power', '')) as StateEntry | undefined
  if (entry === undefined) return noLevels
  let found = known.get(entry)
  if (found === undefined) {
    found = levelsOf(contentOf(entry) ?? {})
    known.set(entry, found)
  }
  return found
}

export const powerOf = (levels: PowerLevels, user: string): number => own(levels.users, user) ?? levels.usersDefault

/** The power that an event of this type needs. */
export function neededPower(levels: PowerLevels, type: string, isState: boolean): number {
  const named = own(levels.events, type)
  if (named !== undefined) return named
  if (!isState) return levels.eventsDefault
  return guarded.has(type) ? Math.max(guardedPower, levels.stateDefault) : levels.stateDefault
}

/** The levels with which a room begins. */
export const firstLevels = (creator: string): JsonObject => ({ users: { [creator]: guardedPower }, ...defaults })

/**
 * Judges new levels. `power` is the sender's own. Every number that changes must be, before and after, at most that;
 * nobody else who has as much or more may be touched.
 */
export function judgeLevels(state: RoomState, content: RawJson, actor: string, power: number): Refusal | undefined {
  const wanted = objectOf(content)
  if (isRefusal(wanted)) return wanted
  const malformed = checkLevels(wanted)
  if (malformed) return malformed
  const before = powerLevels(state)
  const after = levelsOf(wanted)
  const above = (...values: number[]) => values.some((value) => value > power)
  for (const name of numbers) {
    if (before[name] !== after[name] && above(before[name], after[name])) return tooHigh(name)
  }
  if (before.usersDefault !== after.usersDefault && before.usersDefault >= power) return tooHigh('usersDefault')
  for (const user of changed(before.users, after.users)) {
    const was = powerOf(before, user)
    if (above(was, powerOf(after, user))) return tooHigh(`users.${user}`)
    if (user !== actor && was >= power) return refuse('forbidden', `${user} has as much power as you`, { field: 'content' })
  }
  for (const type of changed(before.events, after.events)) {
    if (above(strictest(before, type), strictest(after, type))) return tooHigh(`events.${type}`)
  }
  return undefined
}

/** A type without a number of its own may be used for messages and for state: the stricter of both counts. */
function strictest(levels: PowerLevels, type: string): number {
  return Math.max(neededPower(levels, type, true), neededPower(levels, type, false))
}

function changed(before: Record<string, number>, after: Record<string, number>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => own(before, name) !== own(after, name))
}

const tooHigh = (what: string) => refuse('forbidden', `${what} is, or would be, above your own power`, { field: 'content' })

function checkLevels(content: JsonObject): Refusal | undefined {
  for (const [name, value] of Object.entries(content)) {
    const isMap = name === 'users' || name === 'events'
    if (!isMap && !Object.hasOwn(defaults, name)) return refuse('invalid', `${name} is no part of room.power`, { field: 'content' })
    const values = isMap ? (isObject(value) ? Object.values(value) : [undefined]) : [value]
    if (!values.every(Number.isSafeInteger)) return refuse('invalid', `${name}: power is an integer`, { field: 'content' })
  }
  return undefined
}

function levelsOf(content: JsonObject): PowerLevels {
  return { users: {}, events: {}, ...defaults, ...content } as PowerLevels
}

const noLevels = levelsOf({})
/** A cache, not state: a function of an immutable entry. */
const known = new WeakMap<StateEntry, PowerLevels>()

/** User IDs are chosen by users: `constructor` must not be found on a prototype. */
function own(of: Record<string, number>, name: string): number | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined
}
