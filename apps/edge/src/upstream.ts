/**
 * The other services, as the edge asks them over HTTP: persistence for what a subscription needs, ingest for reads of clients.
 */
import { internalHeader, signInternal } from '@roomlog/door'
import { RoomlogError } from '@roomlog/log'
import type { AccessStatement, EventsPage, WireError } from '@roomlog/protocol'
import { isCode, wireError } from '@roomlog/protocol'
import { pathMembers, readOfOp } from '@roomlog/protocol/operations'
import { Agent, request } from 'undici'
import type { ReadPort } from './door.js'
import type { History } from './ports.js'

const answerMsMax = 10_000
const answerBytesMax = 64 * 1024 * 1024

/** Connections to one service; beyond them requests wait. */
export function upstreamAgent(): Agent {
  return new Agent({
    connections: 64,
    pipelining: 1,
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
    maxResponseSize: answerBytesMax,
  })
}

/** Persistence behind its internal routes, signed with the deployment's secret. */
export class HttpHistory implements History {
  constructor(private readonly options: { url: string; secret: string; agent: Agent; now?: () => number }) {}

  access(room: string, user: string): Promise<AccessStatement> {
    return this.get(`/internal/rooms/${encodeURIComponent(room)}/access?user=${encodeURIComponent(user)}`)
  }

  events(room: string, after: number, limit: number): Promise<EventsPage> {
    return this.get(`/internal/rooms/${encodeURIComponent(room)}/events?after=${after}&limit=${limit}`)
  }

  async event(id: string): Promise<string | undefined> {
    return this.text(`/internal/events/${encodeURIComponent(id)}`)
  }

  erased(room: string): Promise<{ erased: number[]; through: number }> {
    return this.get(`/internal/rooms/${encodeURIComponent(room)}/erased`)
  }

  private async get<T>(path: string): Promise<T> {
    const text = await this.text(path)
    if (text === undefined) throw new RoomlogError('unavailable', 'persistence answered 404')
    return JSON.parse(text) as T
  }

  /** Undefined = there is no such thing. */
  private async text(path: string): Promise<string | undefined> {
    const { url, secret, agent, now = Date.now } = this.options
    try {
      const { statusCode, body } = await request(`${url}${path}`, {
        dispatcher: agent,
        headers: { [internalHeader]: signInternal(secret, path, now()) },
      })
      const text = await body.text()
      if (statusCode === 200) return text
      if (statusCode === 404) return undefined
      throw new RoomlogError('unavailable', `persistence answered ${statusCode}`)
    } catch (error) {
      throw error instanceof RoomlogError ? error : new RoomlogError('unavailable', 'persistence does not answer', { cause: error })
    }
  }
}

/** The reads of the HTTP API through ingest, asked for as the user; bodies pass through as they are. */
export class HttpReads implements ReadPort {
  constructor(private readonly options: { url: string; agent: Agent }) {}

  async read(op: string, input: Record<string, unknown>, token: string | undefined): Promise<{ body: string } | { error: WireError }> {
    const path = pathOf(op, input)
    if (typeof path !== 'string') return { error: path }
    const { url, agent } = this.options
    try {
      const { statusCode, body } = await request(`${url}${path}`, {
        dispatcher: agent,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      const text = await body.text()
      return statusCode < 300 ? { body: text } : { error: errorOf(text, statusCode) }
    } catch {
      return { error: wireError('unavailable', 'reads cannot be answered now') }
    }
  }
}

/** The route of the operation table with the input in its path and query. */
function pathOf(op: string, input: Record<string, unknown>): string | WireError {
  const operation = readOfOp(op)
  if (!operation) return wireError('invalid', 'no such operation', { field: 'op' })
  const route =
    operation.routes.findLast((candidate) => pathMembers(candidate).every((name) => input[name] !== undefined)) ?? operation.routes[0]!
  const inPath = new Set(pathMembers(route))
  for (const name of inPath) if (typeof input[name] !== 'string') return wireError('invalid', `${name} is missing`, { field: name })
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input)) {
    if (inPath.has(name) || value === undefined || value === null) continue
    query.set(name, value === true ? '1' : value === false ? '0' : Array.isArray(value) ? value.join(',') : String(value))
  }
  const path = route.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(input[name] as string))
  return query.size > 0 ? `${path}?${query}` : path
}

function errorOf(text: string, status: number): WireError {
  try {
    const { error } = JSON.parse(text) as { error?: WireError }
    if (error && isCode(error.code)) return error
  } catch {}
  return wireError('unavailable', `the read was answered with ${status}`)
}
