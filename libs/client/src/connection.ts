/**
 * One logical connection: a socket at a time, authenticated, watched, and come back to after every loss.
 *
 * What must survive a loss (subscriptions, outstanding actions, reads) is not kept here: their owners send it again when
 * `onConnected` is called.
 */
import type { ByeFrame, ClientFrame, ServerFrame } from '@roomlog/protocol'
import { fullJitterMs, retryDelayMs } from './backoff.js'
import type { Bounds, Times } from './bounds.js'
import type { ConnectionHooks } from './connection-hooks.js'
import type { Environment, SocketLike } from './environment.js'
import { ClientError } from './failure.js'
import { Heartbeat } from './heartbeat.js'
import type { Placement } from './placement.js'
import { ResumeTicket } from './resume-ticket.js'
import { Sender } from './sender.js'
import { type ConnectionState, closeReason, type StateChange } from './state.js'
import { expiryOf, type Tokens } from './token.js'

export const subprotocol = 'roomlog.v1'
/** Request ID of `auth` and `ping`, which nobody else waits for. */
const ownRequestId = 0
/** Of the request for a ticket: whatever its answer, the connection goes on. */
const ticketRequestId = -1

export class Connection {
  state: ConnectionState = 'idle'
  #socket: SocketLike | undefined
  #sender: Sender | undefined
  #authenticated = false
  #attempt = 0
  #connectedAt = 0
  #bye: ByeFrame['bye'] | undefined
  readonly #ticket: ResumeTicket
  #deadline: unknown
  #retry: unknown
  #renewal: unknown
  #renewedToken = false
  readonly #heartbeat: Heartbeat

  constructor(
    private readonly placement: Pick<Placement, 'url'>,
    private readonly tokens: Tokens,
    private readonly environment: Environment,
    private readonly bounds: Bounds,
    private readonly times: Times,
    private readonly hooks: ConnectionHooks,
  ) {
    this.#ticket = new ResumeTicket(environment.clock, times, () => this.send({ id: ticketRequestId, op: 'ticket' }))
    this.#heartbeat = new Heartbeat(environment.clock, times, {
      ping: () => this.send({ id: ownRequestId, op: 'ping' }),
      dead: () => this.#drop(4100, 'no_pong'),
      woke: (sleptMs) => this.#woke(sleptMs),
    })
  }

  /** Starts connecting, if that has not begun. */
  open(): void {
    if (this.state !== 'idle') return
    this.#heartbeat.start()
    void this.#connect('opened')
  }

  /** Ends for good; idempotent. */
  close(reason = 'closed', closeCode?: number): void {
    if (this.state === 'closed') return
    this.#release(1000)
    this.#heartbeat.stop()
    this.environment.clock.clearTimeout(this.#retry)
    this.#enter('closed', { reason, ...(closeCode === undefined ? {} : { closeCode }) })
    this.hooks.onDisconnected()
  }

  /** Sends if connected; otherwise the frame is dropped, and its owner sends it again when connected. */
  send(frame: ClientFrame): void {
    if (this.#authenticated) this.#sender!.send(frame)
  }

  async #connect(reason: string): Promise<void> {
    this.#enter('connecting', { reason })
    this.#bye = undefined
    let token: string | undefined
    try {
      token = await this.tokens.get()
    } catch (error) {
      if (this.state !== 'connecting') return
      this.hooks.onError(error)
      return this.#wait(fullJitterMs(this.#attempt++, this.times, this.environment.random), 'token')
    }
    const url = await this.placement.url(this.#attempt)
    if (this.state !== 'connecting') return
    try {
      this.#attach(this.environment.webSocket(url, [subprotocol]), token)
    } catch (error) {
      this.hooks.onError(error)
      this.#lost(1006, 'network')
    }
  }

  #attach(socket: SocketLike, token: string | undefined): void {
    this.#socket = socket
    this.#sender = new Sender(socket, this.environment.clock, this.bounds)
    this.#deadline = this.environment.clock.setTimeout(() => this.#drop(1006, 'timeout'), this.times.connectWithin)
    const current = () => this.#socket === socket
    socket.onopen = () => {
      if (current()) this.#authenticate(token)
    }
    socket.onmessage = (message) => {
      if (current()) this.#receive(message.data, token)
    }
    socket.onclose = (close) => {
      if (current()) this.#lost(close.code, this.#bye?.reason ?? closeReason(close.code))
    }
    socket.onerror = () => {}
  }

  #authenticate(token: string | undefined): void {
    const frame = { id: ownRequestId, op: 'auth' as const, ...(token === undefined ? {} : { token }) }
    this.#sender!.send(this.#ticket.text === undefined ? frame : { ...frame, ticket: this.#ticket.text })
  }

  #receive(data: unknown, token: string | undefined): void {
    this.#heartbeat.heard()
    let frames: ServerFrame | ServerFrame[]
    try {
      frames = JSON.parse(String(data)) as ServerFrame | ServerFrame[]
    } catch {
      return this.#drop(1006, 'protocol_error')
    }
    for (const frame of Array.isArray(frames) ? frames : [frames]) this.#take(frame, token)
  }

  #take(frame: ServerFrame, token: string | undefined): void {
    if ('bye' in frame) {
      this.#bye = frame.bye
      this.#ticket.take(frame.bye.ticket)
    } else if ('id' in frame && frame.id === ownRequestId) {
      if ('error' in frame) this.#refused(new ClientError(frame.error))
      else if (!this.#authenticated) this.#welcome(token)
      return
    } else if ('id' in frame && frame.id === ticketRequestId) {
      return this.#ticket.take('ok' in frame ? frame.ok.ticket : undefined)
    }
    this.hooks.onFrame(frame)
  }

  #welcome(token: string | undefined): void {
    this.environment.clock.clearTimeout(this.#deadline)
    this.#authenticated = true
    this.#renewedToken = false
    this.#connectedAt = this.environment.clock.now()
    this.#heartbeat.connected()
    this.#planRenewal(token)
    if (token !== undefined) this.#ticket.connected()
    this.#enter('connected', { reason: 'authenticated' })
    this.hooks.onConnected()
  }

  /** `auth` was refused: with a source of fresh tokens worth one more try. */
  #refused(error: ClientError): void {
    this.hooks.onError(error)
    if (error.retriable) return this.#drop(1006, error.code)
    this.#drop(4200, error.code)
  }

  #lost(closeCode: number, reason: string): void {
    const bye = this.#bye
    const wasConnected = this.#authenticated
    if (wasConnected && this.environment.clock.now() - this.#connectedAt >= this.times.stableAfter) this.#attempt = 0
    this.#release()
    if (wasConnected) this.hooks.onDisconnected()
    if (this.state === 'closed') return
    const tokenEnded = closeCode === 4200 || closeCode === 4201
    if (tokenEnded && this.tokens.renewable && !this.#renewedToken) {
      this.#renewedToken = true
      return this.#wait(fullJitterMs(this.#attempt++, this.times, this.environment.random), reason, closeCode)
    }
    const loss = { closeCode, reconnectInMs: bye?.reconnectInMs, attempt: this.#attempt++ }
    const delayMs = retryDelayMs(loss, this.times, this.environment.random)
    if (delayMs === undefined) return this.close(reason, closeCode)
    this.#wait(delayMs, reason, closeCode)
  }

  #wait(delayMs: number, reason: string, closeCode?: number): void {
    this.#enter('waiting', { reason, retryInMs: delayMs, ...(closeCode === undefined ? {} : { closeCode }) })
    this.#retry = this.environment.clock.setTimeout(() => void this.#connect(reason), delayMs)
  }

  /** We end the connection ourselves: the socket's own close event may take minutes to come. */
  #drop(closeCode: number, reason: string): void {
    if (this.#socket) this.#lost(closeCode, reason)
  }

  #release(code?: number): void {
    const socket = this.#socket
    const { clock } = this.environment
    clock.clearTimeout(this.#deadline)
    clock.clearTimeout(this.#renewal)
    this.#ticket.disconnected()
    this.#heartbeat.disconnected()
    this.#sender?.stop()
    this.#socket = undefined
    this.#sender = undefined
    this.#authenticated = false
    try {
      if (code === undefined) socket?.close()
      else socket?.close(code)
    } catch {}
  }

  #woke(sleptMs: number): void {
    this.hooks.onWoke(sleptMs)
    if (this.state !== 'waiting') return
    this.environment.clock.clearTimeout(this.#retry)
    void this.#connect('slept')
  }

  #planRenewal(token: string | undefined): void {
    const expiresAt = token === undefined || !this.tokens.renewable ? undefined : expiryOf(token)
    if (expiresAt === undefined) return
    const { clock } = this.environment
    const leftMs = expiresAt - clock.now()
    const inMs = Math.max(leftMs - this.times.renewBefore, leftMs / 2, 0)
    clock.clearTimeout(this.#renewal)
    this.#renewal = clock.setTimeout(() => void this.#renew(), Math.min(inMs, 2 ** 31 - 1))
  }

  async #renew(): Promise<void> {
    const socket = this.#socket
    try {
      const token = await this.tokens.get()
      if (this.#socket !== socket || token === undefined) return
      this.#authenticate(token)
      this.#planRenewal(token)
    } catch (error) {
      this.hooks.onError(error)
      if (this.#socket !== socket) return
      this.#renewal = this.environment.clock.setTimeout(() => void this.#renew(), this.times.renewBefore / 4)
    }
  }

  #enter(state: ConnectionState, change: Omit<StateChange, 'state' | 'previous'>): void {
    const previous = this.state
    this.state = state
    this.hooks.onState({ state, previous, ...change })
  }
}
