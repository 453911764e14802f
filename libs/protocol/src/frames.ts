/**
 * Frames of the WebSocket `/v1/ws` (subprotocol `roomlog.v1`). A text frame is one of these, or an array of them.
 * `content` and `event` travel as raw JSON text; the types here describe what is on the wire once parsed.
 */
import type { Accepted, WireError } from './reply.js'

export const subprotocol = 'roomlog.v1'
/** The prefix of the subprotocol that carries a token. */
export const bearerSubprotocol = 'bearer.'

/** The same filter everywhere; in a query, lists are comma-separated. */
export interface Filter {
  /** Globs: `*` matches any run of characters. */
  types?: string[]
  rooms?: string[]
  senders?: string[]
  /** Whose presence and profile are wanted. */
  users?: string[]
  outOfOrder?: boolean
  /** Superseded state too. */
  full?: boolean
}

/** The last composite, followed by newer event positions. */
export type PositionInput = string | string[]

export interface Auth {
  id?: number
  op: 'auth'
  token?: string
  ticket?: string
}

export interface Subscribe {
  id: number
  op: 'subscribe'
  room?: string
  channels?: string[]
  position?: PositionInput
  /** A `seq`; 1 = the first event that one may see. */
  from?: number
  last?: number
  filter?: Filter
}

export interface Unsubscribe {
  id: number
  op: 'unsubscribe'
  room?: string
  channels?: string[]
}

export interface Sync {
  id: number
  op: 'sync'
  position?: PositionInput
  filter?: Filter
}

/** Any command of the rules; the envelope's members are those of `publish` and of the membership operations. */
export interface Do {
  id: number
  op: 'do'
  room?: string
  type: string
  content?: unknown
  actionId?: number
  prevActionId?: number
  [member: string]: unknown
}

export interface Call {
  id: number
  op: 'call'
  service: string
  method: string
  content?: unknown
}

export interface Signal {
  id?: number
  op: 'signal'
  room: string
  type: string
  content?: unknown
  to?: string
}

/** Asks for a resume ticket of what is proven now. */
export interface TicketRequest {
  id: number
  op: 'ticket'
}

export interface Ping {
  id?: number
  op: 'ping'
}

/** The reads of the HTTP API, by their names in the operation table. */
export interface Read {
  id: number
  op: string
  [member: string]: unknown
}

export type ClientFrame = Auth | Subscribe | Unsubscribe | Sync | Do | Call | Signal | TicketRequest | Ping | Read

/** Members of client frames that are cut out as they stand. */
export const rawFrameMembers = ['content'] as const

export interface OkFrame {
  id: number
  ok: Partial<Accepted> & Record<string, unknown>
}

export interface ErrorFrame {
  id?: number
  error: WireError
}

export interface EventFrame {
  event: WireEvent
  /** The last `seq` of the room accounted for on this subscription. */
  after: number
  position?: string
  /** Only to the sending device. */
  actionId?: number
  /** The subscription's own channels that matched. */
  channels?: string[]
}

/** An event as clients see it. */
export interface WireEvent {
  id: string
  room: string
  seq: number
  type: string
  sender: { id: string; name?: string; avatar?: string }
  at: number
  content: unknown
  prev?: unknown
  user?: string
  key?: string
  ref?: string
  follows?: string
  thread?: string
  mentions?: string[]
  onBehalfOf?: string
  by?: 'grant'
  channels?: string[]
  readers?: string[]
}

export interface PositionFrame {
  position: string
}

export interface SignalFrame {
  signal: { room: string; type: string; sender?: string; device?: string; content?: unknown; [more: string]: unknown }
}

export interface LiveFrame {
  live: { room?: string; seq?: number; position: string }
}

/** Reload: what the client holds cannot be continued. */
export interface ResetFrame {
  reset: { room?: string; reason: string; [more: string]: unknown }
}

/** The subscription ended. */
export interface EndFrame {
  end: { room: string; reason: string; seq?: number }
}

/** Comes before a close. */
export interface ByeFrame {
  bye: { reason: string; ticket?: string; position?: string; reconnectInMs?: number }
}

export type ServerFrame = OkFrame | ErrorFrame | EventFrame | PositionFrame | SignalFrame | LiveFrame | ResetFrame | EndFrame | ByeFrame
