/** What long-poll and SSE have in common: a request that means one `sync` of a session of its own. */
import { readInput } from '@roomlog/door'
import { type WireError, wireError } from '@roomlog/protocol'
import { type Operation, operation } from '@roomlog/protocol/operations'
import type { FastifyRequest } from 'fastify'
import { addressOf } from '../address.js'
import type { EdgeParts } from '../edge.js'
import type { Sink } from '../ports.js'
import { Session } from '../session.js'
import { tokenOf } from '../token.js'

export interface HttpTransportOptions {
  edge: EdgeParts
  trustProxy: boolean | number | readonly string[]
  pingMs: number
  slowMs: number
}

export interface SyncRequest {
  token: string
  /** The newest position that the client has; a list where it has more than one. */
  positions: string[]
  filter: Record<string, unknown>
  timeoutMs: number | undefined
}

export const pollOperation = operation('sync')
export const streamOperation = operation('stream')

/** Checked by the operation table. `Last-Event-ID` is newer than what the URL says: a browser comes back with the same URL. */
export function syncRequest(of: Operation, request: FastifyRequest): SyncRequest | WireError {
  const token = tokenOf(request.raw)
  if (token === undefined) return wireError('unauthenticated', 'a token is needed to have rooms')
  const read = readInput(of, {}, request.query as Record<string, string>)
  if (!('ok' in read)) return read
  const { position, timeoutMs, ...filter } = read.ok
  const newest = String(request.headers['last-event-id'] || position || '')
  return { token, positions: newest === '' ? [] : newest.split(','), filter, timeoutMs }
}

/** Opens the session and asks for the sync; answers come through the sink, that to the sync with the `id` 0. */
export function openSync(
  { token, positions, filter }: SyncRequest,
  request: FastifyRequest,
  { edge, trustProxy }: HttpTransportOptions,
  link: { sink: Sink; close(code: number): void },
): Session {
  const session = new Session(edge, { sink: link.sink, address: addressOf(request.raw, trustProxy), close: link.close })
  session.open(token)
  const wanted = Object.keys(filter).length > 0 ? { filter } : {}
  const from = positions.length > 0 ? { position: positions, unknown: 'reset' } : {}
  session.receive(Buffer.from(JSON.stringify({ id: syncId, op: 'sync', ...from, ...wanted })))
  return session
}

export const syncId = 0
