/** What an edge serves itself: nothing of it is decided by the authority, nothing of it is stored. */
import { z } from 'zod'
import type { Operation } from './operation.js'
import { content, filter, identifier, roomId } from './schemas.js'

const presence = z.enum(['online', 'away', 'offline'])

/** One or several, comma-separated. */
const positions = z.string().min(1).max(65_536).optional()
/** In a query, lists are comma-separated. */
const streamFilter = filter.shape

type Of = Pick<Operation, 'name' | 'summary' | 'method' | 'routes' | 'input'> & Partial<Operation>

const live = (of: Of): Operation => ({ kind: 'live', needs: 'token', op: of.name, output: z.looseObject({}), ...of })

export const liveOperations: readonly Operation[] = [
  live({
    name: 'signal',
    summary: 'Says something to whoever is there, or to one user or device (`to`); never stored. For members and those who may write.',
    method: 'POST',
    routes: ['/v1/rooms/{room}/signals'],
    input: z.strictObject({ room: roomId, type: identifier, content: content.optional(), to: z.string().min(1).max(511).optional() }),
  }),
  live({
    name: 'typing',
    summary: 'Says that one is typing, for `timeoutMs` (0 = no longer).',
    method: 'POST',
    routes: ['/v1/rooms/{room}/typing'],
    input: z.strictObject({ room: roomId, timeoutMs: z.int().min(0).optional() }),
  }),
  live({
    name: 'presence',
    summary: 'Who of the members is present; in a large room how many are.',
    needs: 'anyone',
    method: 'GET',
    routes: ['/v1/rooms/{room}/presence'],
    input: z.strictObject({ room: roomId }),
    output: z.object({ room: z.string(), count: z.int(), users: z.array(z.object({ user: z.string(), presence })).optional() }),
  }),
  live({
    name: 'sync',
    summary: 'Long-poll: the frames of a sync since the position, and the position after them; waits up to `timeoutMs` for the first.',
    method: 'GET',
    routes: ['/v1/sync'],
    op: undefined,
    input: z.strictObject({ position: positions, timeoutMs: z.int().min(0).optional(), ...streamFilter }),
    output: z.looseObject({ events: z.array(z.looseObject({})), position: z.string(), live: z.boolean() }),
  }),
  live({
    name: 'stream',
    summary: 'The same as server-sent events; `Last-Event-ID` is the position.',
    method: 'GET',
    routes: ['/v1/stream'],
    op: undefined,
    input: z.strictObject({ position: positions, ...streamFilter }),
  }),
  live({
    name: 'where',
    summary: 'Edges for a client with these rooms, the best first: who follows the most of them already.',
    needs: 'anyone',
    method: 'GET',
    routes: ['/v1/where'],
    input: z.strictObject({ rooms: z.array(identifier).min(1).max(100) }),
    output: z.object({ edges: z.array(z.object({ url: z.string(), rooms: z.array(z.string()) })) }),
  }),
  live({
    name: 'setPresence',
    summary: 'Sets the presence of this device; a user is as present as the most present of their devices.',
    method: 'PUT',
    routes: ['/v1/presence'],
    input: z.strictObject({ presence }),
    output: z.object({ user: z.string(), presence }),
  }),
]
