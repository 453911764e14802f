/** The frames of the WebSocket as messages of AsyncAPI. */
import { z } from 'zod'
import { operations, schemas } from '../operations.js'
import { type JsonSchema, jsonSchema } from './schema.js'

export function clientMessages(): JsonSchema {
  const messages: JsonSchema = {}
  for (const [name, [summary, shape]] of Object.entries(ownFrames)) {
    messages[name] = message(name, summary, z.object({ id: id.optional(), op: z.literal(name), ...shape }))
  }
  messages.do = message(
    'do',
    'Every command, under its type; its members may stand in the frame, and those of a command without opaque content in `content` too',
    z.looseObject({
      id,
      op: z.literal('do'),
      room: schemas.roomId.optional(),
      type: schemas.identifier,
      content: schemas.content.optional(),
      ...schemas.envelope,
    }),
  )
  for (const { kind, op, summary, input } of operations) {
    if (kind !== 'command' && op && !(op in ownFrames))
      messages[op] = message(op, summary, z.object({ id, op: z.literal(op), ...input.shape }))
  }
  return messages
}

export function serverMessages(): JsonSchema {
  return Object.fromEntries(Object.entries(serverFrames).map(([name, [summary, shape]]) => [name, message(name, summary, z.object(shape))]))
}

function message(name: string, summary: string, payload: z.ZodType): JsonSchema {
  return { name, summary, contentType: 'application/json', payload: jsonSchema(payload, 'input') }
}

const id = z.union([z.number(), z.string().max(64)])
const positions = z.union([schemas.position, z.array(schemas.position)])
const channels = z.array(z.string()).optional()

const ownFrames: Record<string, [summary: string, shape: z.ZodRawShape]> = {
  auth: [
    'First, or to refresh at any time; without token or ticket it is anonymous',
    { token: z.string().optional(), ticket: z.string().optional() },
  ],
  subscribe: [
    'Follows a room, or channels, from a position, a seq, the last n events, or the tail',
    {
      room: schemas.roomId.optional(),
      channels,
      position: positions.optional(),
      from: z.int().min(1).optional(),
      last: z.int().min(1).optional(),
      filter: schemas.filter.optional(),
    },
  ],
  unsubscribe: ['Ends a subscription', { room: schemas.roomId.optional(), channels }],
  sync: ['All my rooms and my inbox, as one subscription', { position: positions.optional(), filter: schemas.filter.optional() }],
  call: ['Asks an internal service', { service: z.string(), method: z.string(), content: schemas.content.optional() }],
  signal: [
    'To whoever is there; never stored',
    { room: schemas.roomId, type: schemas.identifier, content: schemas.content.optional(), to: z.string().optional() },
  ],
  ticket: ['Asks for a resume ticket, to be given with `auth` after a reconnect', {}],
  ping: ['Is answered', {}],
}

const room = z.string()

const serverFrames: Record<string, [summary: string, shape: z.ZodRawShape]> = {
  ok: ['The answer to a request', { id, ok: z.looseObject({}) }],
  error: ['A refusal, or a request that was not understood', { id: id.optional(), error: schemas.wireErrorSchema }],
  event: [
    'An event; `event.seq - after > 1` = those between were withheld',
    { event: schemas.event, after: schemas.sequence, position: schemas.position.optional(), actionId: z.int().optional(), channels },
  ],
  position: ['The composite position of a sync', { position: schemas.position }],
  signalled: ['Ephemeral: typing, presence, signals', { signal: z.looseObject({ room, type: z.string() }) }],
  live: [
    'Replay is done, the tail begins',
    { live: z.object({ room: room.optional(), seq: schemas.sequence.optional(), position: schemas.position }) },
  ],
  reset: ['Reload: what you hold cannot be continued', { reset: z.looseObject({ room: room.optional(), reason: z.string() }) }],
  end: ['The subscription ended', { end: z.object({ room, reason: z.string(), seq: schemas.sequence.optional() }) }],
  bye: [
    'Before a close',
    {
      bye: z.object({
        reason: z.string(),
        ticket: z.string().optional(),
        position: z.string().optional(),
        reconnectInMs: z.int().optional(),
      }),
    },
  ],
}
