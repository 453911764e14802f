/**
 * Long-poll: `GET /v1/sync`. Every request is a session that answers with the frames that a WebSocket would get, at most a page of
 * them, and the position after these. It waits for the first event where there is none yet. What does not fit falls behind its
 * cursor, as it does for a socket that is full, and comes with the next request.
 */
import { codes, type WireError, wireError } from '@roomlog/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Frame } from '../frame.js'
import { refuse } from '../live-routes.js'
import type { Sink } from '../ports.js'
import type { Session } from '../session.js'
import { type HttpTransportOptions, openSync, pollOperation, type SyncRequest, syncId, syncRequest } from './sync-request.js'

export class LongPoll {
  private readonly waiting = new Set<Poll>()

  constructor(private readonly options: HttpTransportOptions) {}

  attach(server: FastifyInstance): void {
    server.get('/v1/sync', (request, reply) => this.handle(request, reply))
  }

  /** Everybody is answered with what there is. */
  drain(): void {
    for (const poll of [...this.waiting]) poll.bye()
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = syncRequest(pollOperation, request)
    if ('code' in asked) return refuse(reply, asked)
    const poll = new Poll(asked, request, this.options)
    this.waiting.add(poll)
    this.options.edge.counts.streams.longpoll = this.waiting.size
    reply.raw.once('close', () => poll.end())
    const answer = await poll.answer
    this.waiting.delete(poll)
    this.options.edge.counts.streams.longpoll = this.waiting.size
    if (typeof answer !== 'string') return refuse(reply, answer)
    return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(answer)
  }
}

class Poll implements Sink {
  readonly answer: Promise<string | WireError>
  private settle!: (answer: string | WireError) => void
  private readonly session: Session
  private readonly events: string[] = []
  private readonly others: Record<'signals' | 'ends', unknown[]> = { signals: [], ends: [] }
  private bytes = 0
  private live = false
  private over = false
  private reset: unknown
  private at: string | undefined
  private timers: { cancel(): void }[] = []

  constructor(
    private readonly asked: SyncRequest,
    request: FastifyRequest,
    private readonly options: HttpTransportOptions,
  ) {
    this.answer = new Promise((resolve) => {
      this.settle = resolve
    })
    const { clock, limits } = options.edge
    const timeoutMs = Math.min(asked.timeoutMs ?? timeoutMsDefault, limits.pollMs)
    this.session = openSync(asked, request, options, { sink: this, close: () => this.finish() })
    this.timers.push(
      clock.after(timeoutMs, () => this.live && this.finish()),
      // A replay that began is given some time more.
      clock.after(timeoutMs + replayMs, () => this.finish()),
    )
  }

  deliver(frame: Frame): void {
    const text = frame.payload.toString()
    if (text.startsWith('{"signal":'))
      return void (this.others.signals.length < signalsMax && this.note('signals', JSON.parse(text).signal))
    this.bytes += frame.payload.length
    if (this.events.push(text) === 1 && this.live) this.soon()
    if (this.full) this.soon()
  }

  send(text: string): void {
    const frame = JSON.parse(text)
    if (frame.error) return this.finish(frame.error)
    if (frame.id === syncId) this.opened(frame.ok)
    else if (frame.reset) {
      this.reset = frame.reset
      this.soon()
    } else if (frame.end) this.note('ends', frame.end)
    else if (frame.live) {
      this.live = true
      if (this.events.length > 0 || this.asked.timeoutMs === 0) this.soon()
    }
  }

  get full(): boolean {
    return this.events.length >= eventsMax || this.bytes >= bytesMax
  }

  drained(): Promise<void> {
    return this.over ? Promise.resolve() : new Promise(() => {})
  }

  bye(): void {
    this.session.bye(4000)
  }

  /** The client is gone, or everything is said. */
  end(): void {
    if (this.over) return
    this.over = true
    for (const timer of this.timers) timer.cancel()
    this.settle(wireError('unavailable', 'this edge is going away'))
    this.session.closed()
  }

  private opened({ position }: { position?: string }): void {
    this.at = position
    // From the tail there is nothing to wait for: the client learns where it is.
    if (this.asked.positions.length === 0) this.finish()
  }

  private note(kind: 'signals' | 'ends', what: unknown): void {
    this.others[kind].push(what)
    if (this.live) this.soon()
  }

  /** What comes at the same time comes with it. */
  private soon(): void {
    if (!this.over) this.timers.push(this.options.edge.clock.after(coalesceMs, () => this.finish()))
  }

  private finish(error?: WireError): void {
    if (this.over) return
    const position = this.position()
    if (error && codes[error.code]) this.settle(error)
    else if (position === undefined) this.settle(wireError('unavailable', 'the rooms cannot be read now'))
    else this.settle(this.body(position))
    this.end()
  }

  /** Where the sync stands; while it may not say so, where it began and what came since, each for its own room. */
  private position(): string | undefined {
    const { positions } = this.asked
    const position = this.session.position ?? this.at
    if (position !== undefined) return position
    if (positions.length === 0 || this.reset !== undefined) return undefined
    const since = this.events.map((text) => text.slice(text.lastIndexOf(positionMember) + positionMember.length).split('"', 1)[0]!)
    return [...positions, ...since].join(',')
  }

  private body(position: string): string {
    const { signals, ends } = this.others
    const rest = { position, live: this.live, signals, ends, ...(this.reset === undefined ? {} : { reset: this.reset }) }
    return `{"events":[${this.events.join(',')}],${JSON.stringify(rest).slice(1)}`
  }
}

const positionMember = '"position":"'
const timeoutMsDefault = 30_000
const replayMs = 10_000
const coalesceMs = 10
/** A page: what its event positions may add to a URL is bounded with it. */
const eventsMax = 100
const bytesMax = 1024 * 1024
const signalsMax = 100
