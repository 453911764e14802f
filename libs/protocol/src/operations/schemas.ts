/**
 * The schemas that operations share. `format: 'identifier'` and `'key'` are ours (`identifiers.ts`); everything else is JSON Schema.
 */
import { z } from 'zod'

/** A room, user, device or type: 1 to 255 bytes, canonical, without control characters. */
export const identifier = z.string().min(1).max(255).meta({ format: 'identifier' })
/** A state key: as an identifier, but may be empty. */
export const stateKey = z.string().max(255).meta({ format: 'key' })
/** Any JSON; the doors never parse it and deliver it to the byte. */
export const content = z.unknown().meta({ description: 'any JSON; delivered exactly as it was sent' })
export const eventId = z.string().min(1).max(64)
export const position = z.string().min(1).max(16_384)
/** `@<user>` (an inbox), `#<alias>`, a minted or a chosen ID. */
export const roomId = identifier.meta({ format: 'identifier', description: 'room ID; where it begins with # it is an alias' })
export const sequence = z.int().min(0)
export const milliseconds = z.int().min(0).meta({ description: 'milliseconds since 1970' })

/** How a client numbers its actions; absent, a repeat is a second action. */
export const numbered = {
  actionId: z.int().min(0).optional(),
  prevActionId: z.int().min(0).optional(),
  /** Of a service, per room, where it does not number its actions. */
  idempotencyKey: identifier.optional(),
  /** Needs scope `impersonate`. */
  onBehalfOf: identifier.optional(),
}

/** Grows with the event's envelope in `rules.md`. */
export const envelope = {
  ...numbered,
  key: stateKey.optional(),
  ifSeq: sequence.optional(),
  ref: eventId.optional(),
  thread: eventId.optional(),
  follows: eventId.optional(),
  mentions: z.array(identifier).max(100).optional(),
}

/** Names or globs: `*` stands for any run of characters. */
const globs = z.array(z.string().min(1).max(255)).max(100)

export const filter = z.strictObject({
  types: globs.optional(),
  rooms: z.array(identifier).max(1_000).optional(),
  senders: z.array(identifier).max(1_000).optional(),
  users: z.array(identifier).max(1_000).optional(),
  outOfOrder: z.boolean().optional(),
  full: z.boolean().optional(),
})

/** The filter's members as a query has them. */
export const filterQuery = filter.omit({ rooms: true }).shape

export const identity = z.object({ id: z.string(), name: z.string().optional(), avatar: z.string().optional() })

export const accepted = z.object({ event: z.string(), room: z.string(), seq: sequence, position: z.string() })

export const wireErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  retriable: z.boolean(),
  field: z.string().optional(),
  lastActionId: z.int().optional(),
  retryAfterMs: z.int().optional(),
})

/** An event as clients see it. */
export const event = z.object({
  id: z.string(),
  room: z.string(),
  seq: sequence,
  type: z.string(),
  sender: identity,
  at: milliseconds,
  user: z.string().optional(),
  key: z.string().optional(),
  ref: z.string().optional(),
  follows: z.string().optional(),
  thread: z.string().optional(),
  mentions: z.array(z.string()).optional(),
  onBehalfOf: z.string().optional(),
  by: z.literal('grant').optional(),
  channels: z.array(z.string()).optional(),
  readers: z.array(z.string()).optional(),
  content,
  prev: content.optional(),
})

/** An event as reads show it: with what stands beside it. */
export const shownEvent = event.extend({
  position: z.string(),
  /** To the device that sent it. */
  actionId: z.int().optional(),
  /** The reactions that stand; `users` are the first ten. */
  reactions: z.array(z.object({ key: z.string(), count: z.int(), users: z.array(z.string()), me: z.literal(true).optional() })).optional(),
  /** Of a thread that begins here: how many messages, and the last of them. */
  threadSummary: z.object({ count: z.int(), last: event.extend({ position: z.string() }) }).optional(),
})

export const eventsPage = z.object({
  events: z.array(shownEvent),
  more: z.object({ stored: z.boolean(), backfill: z.boolean() }),
  earliest: z.string().optional(),
  position: z.string().optional(),
})

export const member = z.object({
  user: z.string(),
  name: z.string().optional(),
  avatar: z.string().optional(),
  membership: z.string(),
  power: z.int(),
})

export const summary = z.object({
  room: z.string(),
  name: z.string().optional(),
  topic: z.string().optional(),
  aliases: z.array(z.string()),
  memberCount: z.int(),
  seq: sequence,
})

/** `systems.md`: joining by ID or alias, and creating, which is joining. */
export const joinAnswer = accepted.extend({
  name: z.string().optional(),
  topic: z.string().optional(),
  aliases: z.array(z.string()).optional(),
  members: z.array(member).optional(),
  events: z.array(event).optional(),
  more: z.object({ stored: z.boolean(), backfill: z.boolean() }).optional(),
})
