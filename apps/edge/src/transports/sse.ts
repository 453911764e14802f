/**
 * Server-sent events: `GET /v1/stream`. One session for as long as the connection holds; each event of the stream has one frame of the
 * WebSocket as its data. The last one of a tick has the sync's position as its `id`, so that a browser comes back with it in
 * `Last-Event-ID`. Lines are cut at every CR and LF: no content can begin a field of its own.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { codes, wireError } from '@roomlog/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Frame } from '../frame.js'
import { refuse } from '../live-routes.js'
import type { Sink } from '../ports.js'
import type { Session } from '../session.js'
import { type HttpTransportOptions, openSync, type SyncRequest, streamOperation, syncId, syncRequest } from './sync-request.js'

export class EventStreams {
  private readonly open = new Set<EventStream>()

  constructor(private readonly options: HttpTransportOptions) {}

  get size(): number {
    return this.open.size
  }

  attach(server: FastifyInstance): void {
    server.get('/v1/stream', (request, reply) => this.handle(request, reply))
  }

  /** Everybody is told to come back, not all at once. */
  drain(): void {
    for (const stream of [...this.open]) stream.bye(Math.floor(Math.random() * reconnectMsMax))
  }

  private handle(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const asked = syncRequest(streamOperation, request)
    if ('code' in asked) return refuse(reply, asked)
    reply.hijack()
    const stream = new EventStream(asked, request, reply, this.options)
    this.open.add(stream)
    this.options.edge.counts.streams.sse = this.open.size
    reply.raw.once('close', () => {
      stream.end()
      this.open.delete(stream)
      this.options.edge.counts.streams.sse = this.open.size
    })
    return undefined
  }
}

class EventStream implements Sink {
  private readonly session: Session
  private readonly response: ServerResponse
  private blocks: string[] = []
  private begun = false
  private over = false
  private given: string | undefined
  private waiting: (() => void)[] = []
  private slow: { cancel(): void } | undefined
  private ping: { cancel(): void } | undefined

  constructor(
    asked: SyncRequest,
    request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly options: HttpTransportOptions,
  ) {
    this.response = reply.raw
    this.response.on('drain', () => this.drain())
    this.session = openSync(asked, request, options, { sink: this, close: () => this.finish() })
  }

  deliver(frame: Frame): void {
    this.options.edge.counts.deliveries++
    this.put(frame.payload.toString())
  }

  send(text: string): void {
    const frame = JSON.parse(text)
    if (!this.begun && frame.error) return this.refuse(frame.error)
    if (frame.id === syncId && frame.ok) return this.begin(frame.ok.position)
    this.put(text)
  }

  get full(): boolean {
    const full = this.response.writableLength > this.options.edge.limits.sendBufferBytes
    if (full) this.slow ??= this.options.edge.clock.after(this.options.slowMs, () => this.session.bye(4001))
    return full
  }

  drained(): Promise<void> {
    return this.over || !this.full ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve))
  }

  bye(reconnectInMs: number): void {
    this.blocks.push(`retry: ${reconnectInMs}\n\n`)
    this.session.bye(4000, { reconnectInMs })
  }

  /** The connection is gone. */
  end(): void {
    this.over = true
    this.slow?.cancel()
    this.ping?.cancel()
    this.session.closed()
    this.drain()
  }

  private begin(position: string | undefined): void {
    this.begun = true
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
    this.response.writeHead(200, { ...(this.reply.getHeaders() as OutgoingHttpHeaders), ...headers })
    this.given = position
    this.response.write(`retry: ${retryMs}\n${position === undefined ? '' : `id: ${position}\n`}\n`)
    this.beat()
  }

  private beat(): void {
    this.ping = this.options.edge.clock.after(this.options.pingMs, () => {
      if (!this.full) this.response.write(':\n\n')
      this.beat()
    })
  }

  private refuse(error: { code: keyof typeof codes }): void {
    if (this.over) return
    const { status } = codes[error.code] ?? codes.internal
    this.response.writeHead(status, {
      ...(this.reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': 'application/json; charset=utf-8',
    })
    this.response.end(JSON.stringify({ error }))
    this.over = true
  }

  private put(text: string): void {
    if (this.over) return
    if (this.blocks.push(`data: ${text.replace(/\r\n|\r|\n/g, '\ndata: ')}\n\n`) === 1) queueMicrotask(() => this.flush())
  }

  private flush(): void {
    if (this.over || !this.begun || this.blocks.length === 0) return
    const { blocks } = this
    this.blocks = []
    const { position } = this.session
    if (position !== undefined && position !== this.given) {
      this.given = position
      blocks.push(`id: ${position}\n${blocks.pop()}`)
    }
    this.response.write(blocks.join(''))
  }

  private finish(): void {
    if (this.over) return
    if (!this.begun) return this.refuse(wireError('unavailable'))
    this.flush()
    this.over = true
    this.response.end()
  }

  private drain(): void {
    this.slow?.cancel()
    this.slow = undefined
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

/** What a browser waits before it comes back. */
const retryMs = 1_000
const reconnectMsMax = 2_000
