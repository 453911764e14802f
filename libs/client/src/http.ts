/**
 * The HTTP side: reads, and the few writes that have no WebSocket form. Every read carries the position of the last
 * acknowledged action, so that one sees what one has done.
 */
import type { Filter, WireError, WireEvent } from '@roomlog/protocol'
import type { Fetch } from './environment.js'
import { ClientError, clientError } from './failure.js'
import type { Tokens } from './token.js'

export interface RoomSummary {
  room: string
  name?: string
  topic?: string
  members?: number
  [more: string]: unknown
}

export interface Member {
  user: string
  name?: string
  avatar?: string
  membership?: string
  power?: number
  [more: string]: unknown
}

export interface StateItem {
  type: string
  key: string
  content: unknown
  seq: number
  [more: string]: unknown
}

export interface HistoryQuery {
  /** A position or event ID; without either bound: the newest. */
  before?: string
  after?: string
  limit?: number
  backfill?: boolean
  filter?: Filter
  /** Answered when this position is reached; default: that of the last acknowledged action. */
  atLeast?: string
}

export interface HistoryEvent extends WireEvent {
  position: string
  actionId?: number
}

export interface HistoryPage {
  events: HistoryEvent[]
  more: { stored: boolean; backfill?: boolean }
  earliest?: string
  position?: string
}

export interface CreateRoom {
  /** A chosen ID; needs scope `publish` or an `admin` grant. */
  room?: string
  name?: string
  topic?: string
  alias?: string
  access?: 'public' | 'limited' | 'knock' | 'restricted'
  accessRooms?: string[]
  history?: 'world' | 'shared' | 'invited' | 'joined'
  listed?: boolean
  invite?: string[]
  type?: string
  actionId?: number
}

export interface Answer {
  room?: string
  event?: string
  seq?: number
  position?: string
  [more: string]: unknown
}

/** One item of `POST /v1/events`. */
export interface Publication {
  room: string
  type: string
  content: unknown
  idempotencyKey?: string
  onBehalfOf?: string
  [more: string]: unknown
}

/** The outcome of one item, in the order of the items. */
export type PublicationOutcome = (Answer & { error?: undefined }) | { error: WireError }

const answerWithinMs = 30_000

export class Http {
  constructor(
    private readonly baseUrl: string,
    private readonly tokens: Tokens,
    private readonly fetch: Fetch,
    private readonly atLeast: () => string | undefined,
  ) {}

  rooms = () => this.#read<{ rooms: RoomSummary[] }>('/v1/rooms')
  room = (room: string) => this.#read<RoomSummary>(path`/v1/rooms/${room}`)
  members = (room: string) => this.#read<{ members: Member[] }>(path`/v1/rooms/${room}/members`)
  state = (room: string) => this.#read<{ state: StateItem[] }>(path`/v1/rooms/${room}/state`)
  initialSync = () => this.#read<Record<string, unknown>>('/v1/initialSync')
  directory = (search = '') => this.#read<{ rooms: RoomSummary[] }>('/v1/directory', { search })
  alias = (alias: string) => this.#read<Answer>(path`/v1/aliases/${alias}`)
  profile = (user: string) => this.#read<{ name?: string; avatar?: string }>(path`/v1/profile/${user}`)
  /** Edges for a client with these rooms, the best first. */
  where = (rooms: readonly string[]) =>
    this.#request<{ edges: { url: string; rooms: string[] }[] }>('GET', `/v1/where?${new URLSearchParams({ rooms: rooms.join(',') })}`)
  presence = (room: string) =>
    this.#request<{ count: number; users?: { user: string; presence: string }[] }>('GET', path`/v1/rooms/${room}/presence`)

  history(room: string, { filter, backfill, ...query }: HistoryQuery = {}): Promise<HistoryPage> {
    return this.#read(path`/v1/rooms/${room}/events`, { ...query, ...(backfill ? { backfill: 1 } : {}), ...filterQuery(filter) })
  }

  createRoom = (create: CreateRoom) => this.write<Answer>('POST', '/v1/rooms', create)
  deleteRoom = (room: string, content: unknown = {}) => this.write<Answer>('DELETE', path`/v1/rooms/${room}`, content)
  join = (roomOrAlias: string) => this.write<Answer>('POST', path`/v1/rooms/${roomOrAlias}/join`, {})
  setProfile = (user: string, profile: { name?: string; avatar?: string }) => this.write<Answer>('PUT', path`/v1/profile/${user}`, profile)
  /** At most 100 items, each with an outcome of its own. */
  publish = (items: Publication[]) => this.write<PublicationOutcome[]>('POST', '/v1/events', items)

  /** Any other route. @throws ClientError */
  write<T>(method: string, route: string, body?: unknown): Promise<T> {
    return this.#request<T>(method, route, body)
  }

  #read<T>(route: string, query: Record<string, unknown> = {}): Promise<T> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries({ atLeast: this.atLeast(), ...query })) {
      if (value !== undefined) search.set(name, String(value))
    }
    return this.#request<T>('GET', search.size > 0 ? `${route}?${search}` : route)
  }

  async #request<T>(method: string, route: string, body?: unknown): Promise<T> {
    const token = await this.tokens.get()
    const headers: Record<string, string> = { accept: 'application/json' }
    if (token !== undefined) headers.authorization = `Bearer ${token}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    let status: number
    let text: string
    try {
      const answer = await this.fetch(`${this.baseUrl}${route}`, {
        method,
        headers,
        signal: AbortSignal.timeout(answerWithinMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = answer.status
      text = await answer.text()
    } catch (error) {
      // A read that failed has no effect; a write may have reached the log.
      throw clientError(method === 'GET' ? 'unavailable' : 'unknown', `${method} ${this.baseUrl}${route}: ${reasonOf(error)}`)
    }
    return outcomeOf<T>(status, text)
  }
}

function outcomeOf<T>(status: number, text: string): T {
  let body: unknown
  try {
    body = text === '' ? {} : JSON.parse(text)
  } catch {
    body = undefined
  }
  const error = (body as { error?: WireError } | undefined)?.error
  if (error) throw new ClientError(error, status)
  if (status >= 400 || body === undefined) {
    throw new ClientError(
      { code: status === 503 ? 'unavailable' : 'internal', message: `HTTP ${status}`, retriable: status >= 502 },
      status,
    )
  }
  return body as T
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error))
}

/** The filter in a query: the same names, lists comma-separated. */
function filterQuery(filter: Filter = {}): Record<string, unknown> {
  const query: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(filter)) query[name] = Array.isArray(value) ? value.join(',') : value ? 1 : 0
  return query
}

function path(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((whole, part, i) => whole + encodeURIComponent(values[i - 1]!) + part)
}
