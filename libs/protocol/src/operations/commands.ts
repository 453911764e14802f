/** The commands of the table: what a client may ask the authority for. */
import { z } from 'zod'
import { joining, membershipOperations } from './memberships.js'
import { type CommandDraft, type Input, numbers, type Operation, ownContent, pick } from './operation.js'
import { ownOperations } from './own.js'
import { accepted, content, envelope, identifier, joinAnswer, numbered, roomId, stateKey } from './schemas.js'

const access = z.enum(['public', 'limited', 'knock', 'restricted'])
const history = z.enum(['world', 'shared', 'invited', 'joined'])

const createRoom: Operation = {
  name: 'createRoom',
  summary: 'Creates a room; creating is joining. A chosen ID needs scope `publish` or an `admin` grant on it.',
  kind: 'command',
  needs: 'token',
  method: 'POST',
  routes: ['/v1/rooms'],
  op: 'do',
  does: ['room.create'],
  input: z.strictObject({
    room: roomId.optional(),
    type: identifier.optional(),
    name: z.string().max(1_024).optional(),
    topic: z.string().max(4_096).optional(),
    alias: identifier.optional(),
    access: access.optional(),
    accessRooms: z.array(identifier).max(10).optional(),
    history: history.optional(),
    listed: z.boolean().optional(),
    invite: z.array(identifier).max(100).optional(),
    ...joining,
    ...numbered,
  }),
  output: joinAnswer,
  command: (input) => ({
    type: 'room.create',
    ...numbers(input),
    ...(input.room === undefined ? {} : { room: input.room }),
    content: ownContent({
      type: input.type,
      access: input.access ?? 'limited',
      accessRooms: input.accessRooms,
      history: input.history ?? 'shared',
      listed: input.listed,
      name: input.name,
      topic: input.topic,
      alias: input.alias === undefined ? undefined : aliasName(input.alias),
      invite: input.invite,
    }),
  }),
}

const deleteRoom: Operation = {
  name: 'deleteRoom',
  summary: 'Deletes a room: subscriptions end, its history is gone from every read.',
  kind: 'command',
  needs: 'token',
  method: 'DELETE',
  routes: ['/v1/rooms/{room}'],
  op: 'do',
  does: ['room.delete'],
  input: z.strictObject({ room: roomId, content: content.optional(), ...numbered }),
  output: accepted,
  command: (input) => ({ type: 'room.delete', room: input.room, content: input.content ?? '{}', ...numbers(input) }),
}

const publish: Operation = {
  name: 'publish',
  summary: 'Publishes an event. With `key` it is state. An array publishes many in its order, each with its own outcome.',
  kind: 'command',
  needs: 'token',
  method: 'POST',
  routes: ['/v1/rooms/{room}/events'],
  many: true,
  op: 'do',
  input: z.strictObject({ room: roomId, type: identifier, content, ...envelope }),
  output: accepted,
  command: event,
}

const publishMany: Operation = {
  ...publish,
  name: 'publishMany',
  summary: 'Publishes events into several rooms: each item names its `room` and has its own outcome.',
  routes: ['/v1/events'],
  op: undefined,
}

const setState: Operation = {
  name: 'setState',
  summary: 'Sets state; content `null` removes it. With `ifSeq` only where that is what it replaces (0 = nothing).',
  kind: 'command',
  needs: 'token',
  method: 'PUT',
  routes: ['/v1/rooms/{room}/state/{type}', '/v1/rooms/{room}/state/{type}/{key}'],
  input: z.strictObject({ room: roomId, type: identifier, content, ...envelope, key: stateKey.default('') }),
  output: accepted,
  command: (input) => event({ ...input, key: input.key ?? '' }),
}

const publishSystem: Operation = {
  name: 'publishSystem',
  summary: 'Publishes a system event under channels, for the readers it names. Needs scope `publish`.',
  kind: 'command',
  needs: 'publish',
  method: 'POST',
  routes: ['/v1/channels/events'],
  many: true,
  input: z.strictObject({
    channels: z.array(identifier).min(1).max(100),
    readers: z
      .array(
        z
          .string()
          .max(600)
          .regex(/^(any|users|user:.+|team:.+)$/),
      )
      .min(1)
      .max(100),
    type: identifier,
    content,
    ...numbered,
  }),
  output: accepted,
  command: (input) => ({
    ...event(input),
    room: `system.${input.type.split('.', 1)[0]}`,
    channels: input.channels,
    readers: input.readers,
  }),
}

export const commandOperations: readonly Operation[] = [
  createRoom,
  deleteRoom,
  ...membershipOperations,
  publish,
  publishMany,
  setState,
  ...ownOperations,
  publishSystem,
]

/** People write an alias with or without its `#`; commands and state have it without. */
export function aliasName(text: string): string {
  return text.startsWith('#') ? text.slice(1) : text
}

const envelopeMembers = Object.keys(envelope)

function event(input: Input): CommandDraft {
  const draft: CommandDraft = { type: input.type, room: input.room, content: input.content, ...pick(input, envelopeMembers) }
  if (draft.type === 'room.alias' && draft.key !== undefined) draft.key = aliasName(draft.key)
  return draft
}
