/**
 * Repeats of commands without an action ID: services name an `idempotencyKey`, all others are known by their origin.
 *
 * What was taken is kept in buckets under the hash of the name, so that a check reads one small entry and an event changes one.
 * A bucket forgets its oldest first. Together they hold a multiple of what is promised (10,000 keys, 1,000 origins
 * a room), so that an uneven spread forgets none of those.
 */
import type { Command } from './command.js'
import type { RoomEvent } from './event.js'
import { fnv1a } from './hash.js'
import type { Case } from './rule.js'
import type { Decision } from './rules.js'
import type { Entry, EntryKey } from './state.js'

interface Memory {
  prefix: string
  buckets: number
  perBucketMax: number
}

/** 1,000 spread over 128 are 8 ± 3 a bucket; 10,000 over 1,024 are 10 ± 3: a bucket holds seven deviations more. */
const origins: Memory = { prefix: 'origins:', buckets: 128, perBucketMax: 28 }
const keys: Memory = { prefix: 'keys:', buckets: 1_024, perBucketMax: 32 }

const keyPrefix = 'key:'

type Taken = [name: string, event: string, seq: number]
/** The entry `origins:<bucket>` or `keys:<bucket>`: oldest first. */
export type TakenEntry = Taken[]

/** What an event keeps to recognise a repeat of its command; nothing for numbered and internal ones. */
export function originOf(command: Command): string | undefined {
  if (command.actionId !== undefined || command.rights.internal) return undefined
  if (command.idempotencyKey !== undefined) return `${keyPrefix}${command.sender.id} ${command.idempotencyKey}`
  return command.origin === '' ? undefined : command.origin
}

export function findOrigin({ state, command }: Case): Decision | undefined {
  const name = originOf(command)
  if (name === undefined) return undefined
  const bucket = state.get(originKey(name)) as TakenEntry | undefined
  const known = bucket?.findLast((taken) => isSame(taken[0], name))
  return known && { repeat: { event: known[1], seq: known[2] } }
}

/** Names of one asker differ at their ends (`…:1017`, `…:1018`): most comparisons end with the first unit. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  for (let i = a.length - 1; i >= 0; i--) if (a.charCodeAt(i) !== b.charCodeAt(i)) return false
  return true
}

/** The entry that holds this origin. */
export function originKey(name: string): EntryKey {
  const memory = memoryOf(name)
  return memory.prefix + (fnv1a(name) % memory.buckets)
}

export function evolveOrigins(entry: Entry | undefined, event: RoomEvent): TakenEntry {
  const name = event.origin!
  const taken = (entry as TakenEntry | undefined) ?? []
  const next = taken.slice(taken.length >= memoryOf(name).perBucketMax ? 1 : 0)
  next.push([name, event.id, event.seq])
  return next
}

const memoryOf = (name: string): Memory => (name.startsWith(keyPrefix) ? keys : origins)
