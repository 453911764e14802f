/** The reads of the table: answered by persistence, forwarded by ingest; and what an edge serves itself. */
import { z } from 'zod'
import type { Operation } from './operation.js'
import {
  content,
  eventId,
  eventsPage,
  filterQuery,
  identifier,
  member,
  milliseconds,
  position,
  roomId,
  shownEvent,
  stateKey,
  summary,
} from './schemas.js'

/** Answered when the projection has reached the position, or `unavailable` after 2 s. */
const atLeast = { atLeast: position.optional() }
const page = { limit: z.int().min(1).max(500).optional(), after: z.string().max(16_384).optional() }

/** Time travel: the room as it was after this `seq`. */
const past = { asOf: z.int().min(1).optional() }

type Of = Pick<Operation, 'name' | 'summary' | 'routes'> & Partial<Operation> & { shape?: z.ZodRawShape }

function read({ shape = {}, ...of }: Of): Operation {
  return {
    kind: 'read',
    needs: 'token',
    method: 'GET',
    op: of.name,
    output: z.looseObject({}),
    input: z.strictObject({ ...shape, ...atLeast }),
    ...of,
  }
}

const roomReads = [
  read({
    name: 'summary',
    summary: 'Name, topic, aliases, number of members and access of a room.',
    needs: 'anyone',
    routes: ['/v1/rooms/{room}'],
    shape: { room: roomId },
    output: summary.loose(),
  }),
  read({
    name: 'history',
    summary: 'Scrolls back or forward from a position or an event. Ordered by place: the `seq` of the event it follows, or its own.',
    needs: 'anyone',
    routes: ['/v1/rooms/{room}/events'],
    shape: {
      room: roomId,
      before: position.optional(),
      ...page,
      thread: eventId.optional(),
      ...past,
      backfill: z.boolean().optional(),
      ...filterQuery,
    },
    output: eventsPage,
  }),
  read({
    name: 'members',
    summary: 'Members of a room, with power and profile.',
    needs: 'anyone',
    routes: ['/v1/rooms/{room}/members'],
    shape: { room: roomId, ...page, ...past, membership: z.string().max(64).optional(), search: z.string().max(255).optional() },
    output: z.object({ members: z.array(member) }).loose(),
  }),
  read({
    name: 'state',
    summary: 'State of a room: all of it, of one type (a pool), or of one key.',
    needs: 'anyone',
    routes: ['/v1/rooms/{room}/state', '/v1/rooms/{room}/state/{type}', '/v1/rooms/{room}/state/{type}/{key}'],
    shape: {
      room: roomId,
      type: identifier.optional(),
      key: stateKey.optional(),
      ids: z.array(stateKey).max(1_000).optional(),
      except: z.array(stateKey).max(1_000).optional(),
      search: z.string().max(255).optional(),
      online: z.boolean().optional(),
      ...page,
      ...past,
    },
    output: z.looseObject({ content: content.optional() }),
  }),
]

const ownReads = [
  read({ name: 'rooms', summary: 'Rooms that one is in or invited to.', routes: ['/v1/rooms'], shape: page }),
  read({
    name: 'initialSync',
    summary: 'All one’s rooms, and the position to stream from.',
    routes: ['/v1/initialSync'],
    shape: { limit: page.limit },
  }),
  read({ name: 'profile', summary: 'Display name and avatar of a user.', routes: ['/v1/profile/{user}'], shape: { user: identifier } }),
  read({ name: 'devices', summary: 'One’s devices, with when they were last seen.', routes: ['/v1/devices'] }),
  read({
    name: 'search',
    summary: 'Searches the messages that one may see, the newest first; never encrypted ones. `after` and `before` are times.',
    routes: ['/v1/search'],
    shape: {
      q: z.string().min(1).max(1_024),
      types: filterQuery.types,
      senders: filterQuery.senders,
      rooms: z.array(identifier).max(1_000).optional(),
      after: milliseconds.optional(),
      before: z.string().max(300).optional(),
      limit: page.limit,
    },
    output: z.object({ events: z.array(shownEvent), next: z.string().optional() }),
  }),
]

const publicReads = [
  read({
    name: 'directory',
    summary: 'Rooms that are listed.',
    needs: 'anyone',
    routes: ['/v1/directory'],
    shape: { search: z.string().max(255).optional(), ...page },
  }),
  read({
    name: 'alias',
    summary: 'The room that an alias leads to.',
    needs: 'anyone',
    routes: ['/v1/aliases/{alias}'],
    shape: { alias: identifier },
    output: z.looseObject({ room: z.string() }),
  }),
]

const administration = [
  read({
    name: 'why',
    summary: 'Why a user can, or cannot, see an event, or do something. Needs scope `admin`, or is about oneself.',
    routes: ['/v1/why'],
    shape: {
      user: identifier.optional(),
      room: roomId,
      seq: z.int().min(1).optional(),
      event: eventId.optional(),
      type: identifier.optional(),
      key: stateKey.optional(),
      target: identifier.optional(),
    },
    output: z.looseObject({ room: z.string(), user: z.string(), seq: z.int(), sees: z.boolean(), rule: z.string() }),
  }),
]

export const readOperations: readonly Operation[] = [...roomReads, ...ownReads, ...publicReads, ...administration]
