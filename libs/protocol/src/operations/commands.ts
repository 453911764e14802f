/** The commands of the table: what a client may ask the authority for. */
import { z } from 'zod'
import { type CommandDraft, type Input, type Operation, ownContent } from './operation.js'
import { accepted, content, envelope, filter, identifier, joinAnswer, milliseconds, numbered, roomId, stateKey } from './schemas.js'

const reason = z.string().max(4_096).optional()
const access = z.enum(['public', 'limited', 'knock', 'restricted'])
const history = z.enum(['world', 'shared', 'invited', 'joined'])
const joining = { filter: filter.optional(), inAnswer: z.boolean().optional() }

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

/** Commands about a member, all alike. */
function membership(verb: string, summary: string, members: z.ZodRawShape, output: z.ZodType = accepted): Operation {
  const type = `member.${verb}`
  return {
    name: verb,
    summary,
    kind: 'command',
    needs: 'token',
    method: 'POST',
    routes: [`/v1/rooms/{room}/${verb}`],
    op: 'do',
    does: [type],
    input: z.strictObject({ room: roomId, reason, ...members, ...numbered }),
    output,
    command: (input): CommandDraft => ({
      type,
      room: input.room,
      ...(input.user === undefined ? {} : { user: input.user }),
      content: ownContent({ reason: input.reason, until: input.until }),
      ...numbers(input),
    }),
  }
}

const memberships = [
  membership('join', 'Joins a room, by ID or alias.', joining, joinAnswer),
  membership('leave', 'Leaves a room, or declines its invitation.', {}),
  membership(
    'invite',
    'Invites a user.',
    { user: identifier },
    accepted.extend({ user: z.object({ name: z.string().optional(), avatar: z.string().optional() }).optional() }),
  ),
  membership('kick', 'Removes a member, who may join again where the room is public.', { user: identifier }),
  membership('ban', 'Removes a user for good, or until a time.', { user: identifier, until: milliseconds.optional() }),
  membership('unban', 'Lifts a ban.', { user: identifier }),
  membership('knock', 'Asks to be let in.', {}),
]

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

const setProfile: Operation = {
  name: 'setProfile',
  summary: 'Sets display name and avatar, in every room of the user. One’s own only.',
  kind: 'command',
  needs: 'token',
  method: 'PUT',
  routes: ['/v1/profile/{user}'],
  op: 'do',
  does: ['profile.set'],
  input: z.strictObject({
    user: identifier,
    name: z.string().max(1_024).nullish(),
    avatar: z.string().max(4_096).nullish(),
    ...numbered,
  }),
  output: accepted,
  command: (input) => ({
    type: 'profile.set',
    room: `@${input.user}`,
    content: ownContent({ name: input.name ?? undefined, avatar: input.avatar ?? undefined }),
    ...numbers(input),
  }),
}

const setMemberProfile: Operation = {
  name: 'setMemberProfile',
  summary: 'Sets one’s display name and avatar in one room only, until the next change of the profile.',
  kind: 'command',
  needs: 'token',
  method: 'PUT',
  routes: ['/v1/rooms/{room}/profile'],
  op: 'do',
  does: ['member.profile'],
  input: z.strictObject({
    room: roomId,
    name: z.string().max(1_024).nullish(),
    avatar: z.string().max(4_096).nullish(),
    ...numbered,
  }),
  output: accepted,
  command: (input) => ({
    type: 'member.profile',
    room: input.room,
    content: ownContent({ name: input.name ?? undefined, avatar: input.avatar ?? undefined }),
    ...numbers(input),
  }),
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
  ...memberships,
  publish,
  publishMany,
  setState,
  setProfile,
  setMemberProfile,
  publishSystem,
]

/** People write an alias with or without its `#`; commands and state have it without. */
export function aliasName(text: string): string {
  return text.startsWith('#') ? text.slice(1) : text
}

const envelopeMembers = Object.keys(envelope)
const numberMembers = Object.keys(numbered)

function event(input: Input): CommandDraft {
  const draft: CommandDraft = { type: input.type, room: input.room, content: input.content, ...pick(input, envelopeMembers) }
  if (draft.type === 'room.alias' && draft.key !== undefined) draft.key = aliasName(draft.key)
  return draft
}

function numbers(input: Input): Partial<CommandDraft> {
  return pick(input, numberMembers)
}

function pick(input: Input, names: readonly string[]): Partial<CommandDraft> {
  const picked: Input = {}
  for (const name of names) if (input[name] !== undefined) picked[name] = input[name]
  return picked
}
