/**
 * The WebSocket door: `/v1/ws`, subprotocol `roomlog.v1`, on the HTTP server of the app.
 *
 * The origin is judged before the upgrade. `ws` reads (with every bound it has set low) and answers pings and closes;
 * frames to the client are written framed, shared and once per tick by the `Outbox`.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type CloseCode, subprotocol, wireError } from '@roomlog/protocol'
import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { addressOf } from '../address.js'
import { boundInflated, declineSmallWindows, deflateOptions, isCompressed } from '../compression.js'
import type { EdgeParts } from '../edge.js'
import { type Flusher, Outbox } from '../outbox.js'
import { Session } from '../session.js'
import { tokenOf } from '../token.js'

export interface WebsocketOptions {
  edge: EdgeParts
  flusher: Flusher
  /** May a page of this origin connect? `undefined` = no browser. */
  originAllowed(origin: string | undefined): boolean
  trustProxy: boolean | number | readonly string[]
  /** `/echo`, through the same upgrade and limits; for tests of the limits. */
  echo: boolean
  /** permessage-deflate for those who ask. */
  compression?: boolean
  pingMs: number
  /** How long a full send buffer may stay full before the client is told that it is too slow. */
  slowMs: number
}

/** Bounds of a socket that are not configuration. */
export const socketBounds = { fragmentsMax: 64, bufferedChunksMax: 1_024, pendingPongsMax: 8, closeMs: 5_000 }

export class WebsocketTransport {
  private readonly server: WebSocketServer
  private readonly connections = new Set<Connection>()
  private accepting = true
  private sweep: NodeJS.Timeout | undefined

  constructor(private readonly options: WebsocketOptions) {
    // Two of them are newer than the library's types.
    const bounds: ServerOptions<typeof EdgeSocket> & { maxPendingAutoPongs: number; closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: options.edge.limits.frameBytes,
      maxFragments: socketBounds.fragmentsMax,
      maxBufferedChunks: socketBounds.bufferedChunksMax,
      maxPendingAutoPongs: socketBounds.pendingPongsMax,
      closeTimeout: socketBounds.closeMs,
      skipUTF8Validation: false,
      perMessageDeflate: options.compression ? deflateOptions : false,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
      WebSocket: EdgeSocket,
    }
    this.server = new WebSocketServer(bounds)
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head))
    this.sweep = setInterval(() => this.beat(), this.options.pingMs)
    this.sweep.unref()
  }

  get size(): number {
    return this.connections.size
  }

  /** Refuses new connections, and nobody is sent here any more; those that are open go on. */
  stopAccepting(): void {
    this.accepting = false
    void this.options.edge.nodes.close()
  }

  /** Shows everybody out within `graceMs`, a few at a time, each told when to come back. */
  async drain(graceMs: number): Promise<void> {
    this.stopAccepting()
    const open = [...this.connections]
    const slices = Math.max(Math.min(open.length, Math.floor(graceMs / sliceMs)), 1)
    for (let slice = 0; slice < slices; slice++) {
      for (let i = slice; i < open.length; i += slices)
        open[i]!.session?.bye(4000, { reconnectInMs: Math.floor(Math.random() * reconnectMsMax) })
      this.options.flusher.flush()
      if (this.connections.size === 0) break
      if (slice < slices - 1) await new Promise((resolve) => setTimeout(resolve, sliceMs))
    }
    clearInterval(this.sweep)
    const deadline = Date.now() + socketBounds.closeMs
    while (this.connections.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    for (const { ws } of this.connections) ws.terminate()
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://edge')
    const echo = this.options.echo && url.pathname === '/echo'
    if (url.pathname !== '/v1/ws' && !echo) return refuse(socket, 404, 'Not Found')
    if (!this.options.originAllowed(request.headers.origin)) return refuse(socket, 403, 'Forbidden')
    if (!this.accepting) return refuse(socket, 503, 'Service Unavailable')
    const [address, token] = [addressOf(request, this.options.trustProxy), tokenOf(request, url)]
    declineSmallWindows(request.headers)
    this.server.handleUpgrade(request, socket, head, (ws) => this.take(ws, socket as Socket, address, echo ? undefined : { token }))
  }

  /** A function of its own, so that what a connection keeps does not keep the request that it came with. */
  private take(ws: WebSocket, socket: Socket, address: string, begin: { token: string | undefined } | undefined): void {
    const connection = new Connection(ws, socket, this.options, address, () => {
      this.connections.delete(connection)
      this.count()
    })
    this.connections.add(connection)
    this.count()
    this.options.edge.logger.info({ connections: this.connections.size }, 'connection')
    if (begin) connection.begin(begin.token)
    else connection.echo()
  }

  private count(): void {
    this.options.edge.counts.connections = this.connections.size
  }

  private beat(): void {
    for (const connection of this.connections) connection.beat()
    this.options.flusher.flush()
  }
}

class Connection {
  session: Session | undefined
  private readonly outbox: Outbox
  private missed = 0
  private slow: { cancel(): void } | undefined

  constructor(
    readonly ws: WebSocket,
    private readonly socket: Socket,
    private readonly options: WebsocketOptions,
    private readonly address: string,
    onClose: () => void,
  ) {
    const { edge, flusher } = options
    socket.setNoDelay(true)
    this.outbox = new Outbox(socket, {
      flusher,
      compressed: isCompressed(ws),
      bytesMax: edge.limits.sendBufferBytes,
      onDelivered: (bytes) => {
        edge.counts.deliveries++
        edge.counts.bytes += bytes
        if (edge.debugging) edge.logger.debug({ bytes }, 'message sent')
      },
      onFull: (full) => this.onFull(full),
    })
    ws.on('close', (code) => {
      this.slow?.cancel()
      edge.counts.closed(code)
      this.session?.closed()
      onClose()
    })
    // Told by its close code; the connection is over, nobody else is concerned.
    ws.on('error', (error) => edge.logger.debug({ code: (error as NodeJS.ErrnoException).code }, 'socket'))
    ws.on('pong', () => {
      this.missed = 0
    })
  }

  begin(token: string | undefined): void {
    const { edge } = this.options
    const count = boundUnauthenticated(this.socket, edge.limits.authenticationBytes, () =>
      this.close(4204, 'too much before authentication'),
    )
    boundInflated(this.ws, edge.limits.authenticationBytes)
    const session = new Session(edge, {
      sink: this.outbox,
      address: this.address,
      close: (code, reason) => this.close(code, reason),
      authenticated: () => {
        count.stop()
        boundInflated(this.ws, edge.limits.frameBytes)
      },
    })
    this.session = session
    this.ws.on('message', (data: RawData, binary: boolean) => {
      this.missed = 0
      if (binary) session.violate(wireError('invalid', 'frames are text'))
      else session.receive(data as Buffer)
    })
    if (token !== undefined) session.open(token)
  }

  echo(): void {
    this.ws.on('message', (data: RawData, binary: boolean) => this.ws.send(data, { binary }))
  }

  /** A ping; or the end, where the two before were not answered. Whoever has much to read yet is judged as slow instead. */
  beat(): void {
    if (this.outbox.full) return
    if (this.missed >= pongsMissedMax) return this.close(4100, 'no pong')
    this.missed++
    this.outbox.put(ping)
  }

  private onFull(full: boolean): void {
    this.slow?.cancel()
    this.slow = full ? this.options.edge.clock.after(this.options.slowMs, () => this.session?.bye(4001)) : undefined
  }

  private close(code: CloseCode, reason: string): void {
    this.outbox.flush()
    this.ws.close(code, reason)
    // Whoever does not even read the close frame is not waited for.
    if (code === 4100) this.ws.terminate()
  }
}

/** Close codes of the library as ours: the range tells the client whether to come back. */
class EdgeSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    super.close(code === 1009 ? 4204 : code === 1002 || code === 1007 || code === 1008 ? 4203 : code, data)
  }
}

/** Counts what comes over the wire until it is stopped, half-received messages too. */
function boundUnauthenticated(socket: Socket, bytesMax: number, onExceeded: () => void): { stop(): void } {
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) return
    stop()
    onExceeded()
  }
  const stop = () => void socket.off('data', count)
  socket.on('data', count)
  return { stop }
}

function refuse(socket: Duplex, status: number, reason: string): void {
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

const ping = Buffer.from([0x89, 0x00])
const pongsMissedMax = 2
const sliceMs = 100
const reconnectMsMax = 2_000
