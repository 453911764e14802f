import { z } from 'zod'

/**
 * Every bound that an operator may set, as `ROOMLOG_LIMIT_<NAME>` (`eventBytes` → `ROOMLOG_LIMIT_EVENT_BYTES`).
 * Numbers are whole; the text beside each is what `docs/configuration.md` says.
 */
export const limitDefaults = {
  eventBytes: [65_536, 'bytes of one event, as stored'],
  frameBytes: [1_048_576, 'bytes of one frame or HTTP body'],
  frameItems: [100, 'items of one array frame or array body'],
  identifierBytes: [255, 'bytes (UTF-8) of a type, a key or an ID'],
  createInvitees: [100, 'users invited while a room is created'],
  pageEvents: [500, 'events of one page of history'],
  connectionSubscriptions: [1_000, 'subscriptions of one connection'],
  connectionMessagesPerSecond: [50, 'messages a second that a connection may send'],
  connectionMessagesBurst: [200, 'messages that a connection may send at once'],
  userMessagesPerSecond: [100, 'commands a second of one user over HTTP'],
  userMessagesBurst: [400, 'commands of one user over HTTP at once'],
  userConnections: [100, 'connections of one user'],
  addressConnections: [100, 'connections without a token from one address'],
  sendBufferBytes: [1_048_576, 'bytes waiting for one socket before it falls behind'],
  ringBytes: [67_108_864, 'bytes of recent records that an edge keeps'],
  jsonDepth: [64, 'nesting of a JSON text'],
  jsonKeys: [10_000, 'object keys in a JSON text'],
  headerBytes: [16_384, 'bytes of the headers of an HTTP request'],
  headerMs: [10_000, 'milliseconds in which the headers of an HTTP request must arrive'],
  authenticationMs: [5_000, 'milliseconds in which a connection must authenticate'],
  authenticationBytes: [65_536, 'bytes that a connection may send before it is authenticated'],
  replyMs: [10_000, 'milliseconds that a door waits for the outcome of a command'],
  replayRecords: [50_000, 'records behind the tail up to which the edge replays from the log'],
  presenceLeaseMs: [30_000, 'milliseconds that somebody stays present after their last connection'],
  presenceMembers: [1_000, 'present users of a room up to which they are named; beyond it they are counted'],
  typingMs: [60_000, 'milliseconds that somebody may be typing without saying so again'],
  pollMs: [60_000, 'milliseconds that a long-poll waits at most'],
  batchCommands: [500, 'commands decided in one append'],
  parkedCommands: [1_000, 'commands of one partition that wait for an earlier action'],
  shutdownMs: [25_000, 'milliseconds that a process takes at most to stop in good order'],
} as const satisfies Record<string, readonly [number, string]>

export type LimitName = keyof typeof limitDefaults
export type Limits = Readonly<Record<LimitName, number>>

export const limitNames = Object.keys(limitDefaults) as LimitName[]

export function limitVariable(name: LimitName): string {
  return `ROOMLOG_LIMIT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** The defaults, for tests and for parts that are built without a configuration. */
export const defaultLimits: Limits = Object.freeze(
  Object.fromEntries(limitNames.map((name) => [name, limitDefaults[name][0]])) as Record<LimitName, number>,
)

export const limitVariables = Object.fromEntries(
  limitNames.map((name) => {
    const [value, text] = limitDefaults[name]
    return [limitVariable(name), { schema: wholeNumber(1, 2 ** 40).default(value), meaning: text, default: String(value) }]
  }),
)

/** A whole number as text, within `min` … `max`. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`)
}
