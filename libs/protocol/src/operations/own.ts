/** Commands about oneself: read markers, profile, devices. */
import { z } from 'zod'
import { numbers, type Operation, ownContent } from './operation.js'
import { accepted, eventId, identifier, numbered, roomId } from './schemas.js'

const ack: Operation = {
  name: 'ack',
  summary: 'Moves one’s read marker of a room forward, up to an event (default: the latest). Acks within 2 s of each other are one.',
  kind: 'command',
  needs: 'token',
  method: 'POST',
  routes: ['/v1/rooms/{room}/ack'],
  op: 'do',
  does: ['room.ack'],
  input: z.strictObject({ room: roomId, event: eventId.optional(), ...numbered }),
  output: accepted.extend({ marker: z.object({ room: z.string(), event: z.string(), seq: z.int() }) }),
  command: (input) => ({ type: 'room.ack', room: input.room, content: ownContent({ event: input.event }) }),
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

const revokeDevice: Operation = {
  name: 'revokeDevice',
  summary: 'Signs one of one’s devices out: tokens that it was issued until now are none, its connections end.',
  kind: 'command',
  needs: 'token',
  method: 'DELETE',
  routes: ['/v1/devices/{device}'],
  op: 'do',
  does: ['device.revoked'],
  input: z.strictObject({ device: identifier, ...numbered }),
  output: accepted,
  inbox: true,
  command: (input) => ({ type: 'device.revoked', key: input.device, content: '{}', ...numbers(input) }),
}

export const ownOperations: readonly Operation[] = [ack, setProfile, setMemberProfile, revokeDevice]
