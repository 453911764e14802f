/**
 * The client: connection, subscriptions, outbox and requests wired together. Frames come in here and go to whom they
 * concern; everything else is in those.
 */
import type { Accepted, EventFrame, Filter, ServerFrame, SignalFrame } from '@roomlog/protocol'
import { type Action, ActionIds, type ActionWish } from './action.js'
import { type Bounds, defaultBounds, defaultTimes, type Times } from './bounds.js'
import { Connection } from './connection.js'
import type { SubscribeOptions, SubscriptionHandlers, SyncOptions } from './delivery.js'
import { Emitter } from './emitter.js'
import type { Environment } from './environment.js'
import { type ClientError, clientError } from './failure.js'
import { Http } from './http.js'
import { type ClientEvents, type ConnectOptions, environmentOf } from './options.js'
import { Outbox } from './outbox.js'
import { type Place, RoomPlace, SyncPlace } from './place.js'
import { Placement } from './placement.js'
import { type Ok, Requests, type Wish } from './requests.js'
import { Room } from './room.js'
import type { ConnectionState, StateChange } from './state.js'
import { Stream } from './stream.js'
import { Tokens } from './token.js'

/** Connects when first needed, or by `open()`. */
export function connect(options: ConnectOptions): Client {
  return new Client(options)
}

export class Client {
  readonly http: Http
  #emitter = new Emitter<ClientEvents>((error) => this.#error(error))
  #environment: Environment
  #bounds: Bounds
  #times: Times
  #connection: Connection
  #requests: Requests
  #outbox: Outbox
  #rooms = new Map<string, Stream<RoomPlace>>()
  #sync: Stream<SyncPlace> | undefined
  /** Of the last acknowledged action. */
  #atLeast: string | undefined
  #inboxSeq = 0
  #presence: 'online' | 'away' | 'offline' | undefined
  #closedFor = ''

  constructor(options: ConnectOptions) {
    this.#environment = environmentOf(options)
    this.#bounds = { ...defaultBounds, ...options.bounds }
    this.#times = { ...defaultTimes, ...options.times }
    const tokens = new Tokens(options.token)
    const baseUrl = options.url.replace(/\/+$/, '')
    const { clock, fetch } = this.#environment
    this.http = new Http(baseUrl, tokens, fetch, () => this.#atLeast)
    const placement = new Placement(baseUrl, options.placement, this.http.where)
    this.#connection = new Connection(placement, tokens, this.#environment, this.#bounds, this.#times, {
      onState: (change) => this.#state(change),
      onConnected: () => this.#connected(),
      onDisconnected: () => this.#disconnected(),
      onFrame: (frame) => this.#frame(frame),
      onWoke: (sleptMs) => this.#emitter.emit('woke', { sleptMs }),
      onError: (error) => this.#error(error),
    })
    const isConnected = () => this.#connection.state === 'connected'
    const send = (frame: Wish & { id: number }) => this.#connection.send(frame)
    this.#requests = new Requests(send, isConnected, clock, this.#bounds, this.#times)
    const ids = new ActionIds(clock, options.lastActionId)
    this.#outbox = new Outbox(ids, this.#environment, this.#bounds, this.#times, {
      send,
      isConnected,
      nextRequestId: () => this.#requests.nextId(),
      onAction: (action) => this.#action(action),
    })
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** Actions whose outcome is not known yet. */
  get outstanding(): number {
    return this.#outbox.outstanding
  }

  /** Returns the function that takes the listener away again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (payload: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Resolves when connected; rejects when closed instead. */
  open(): Promise<void> {
    if (this.state === 'connected') return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = this.on('state', ({ state, reason }) => {
        if (state !== 'connected' && state !== 'closed') return
        stop()
        if (state === 'connected') resolve()
        else reject(clientError('unavailable', `closed: ${reason}`))
      })
      if (this.state === 'closed') reject(clientError('unavailable', 'the client is closed'))
      else this.#connection.open()
    })
  }

  room(id: string): Room {
    return new Room(this, id)
  }

  /**
   * All of one's rooms and the inbox as one subscription; at most one at a time, and none of single rooms beside it: frames do
   * not say which subscription they are for. Who needs both opens two clients.
   */
  sync(options: SyncOptions = {}, handlers: SubscriptionHandlers = {}): Stream<SyncPlace> {
    if (this.#sync) throw new Error('there is a sync already')
    if (this.#rooms.size > 0) throw new Error('there are subscriptions of single rooms: use another client for a sync')
    const forget = () => void (this.#sync = undefined)
    this.#sync = this.#stream(new SyncPlace(options), wish('sync', {}, options.filter), wish('unsubscribe', {}), handlers, forget)
    return this.#sync
  }

  /** See `Room.subscribe`. */
  subscribe(room: string, options: SubscribeOptions, handlers: SubscriptionHandlers): Stream<RoomPlace> {
    if (this.#rooms.has(room)) throw new Error(`room ${room} is subscribed already`)
    if (this.#sync) throw new Error('there is a sync: use another client for a subscription of a single room')
    const forget = () => void this.#rooms.delete(room)
    const [open, close] = [wish('subscribe', { room }, options.filter), wish('unsubscribe', { room })]
    const stream = this.#stream(new RoomPlace(room, options), open, close, handlers, forget)
    this.#rooms.set(room, stream)
    return stream
  }

  /** See `Room.do`. */
  act(room: string, action: ActionWish): Action {
    this.#connection.open()
    return this.#outbox.publish(room, action)
  }

  /** A read over the socket, by its name in the operation table. Survives a reconnect. */
  read(op: string, members: Record<string, unknown> = {}): Promise<Ok> {
    this.#connection.open()
    return this.#requests.ask({ ...members, op, ...(this.#atLeast === undefined ? {} : { atLeast: this.#atLeast }) }, { repeatable: true })
  }

  /** A call to an internal service; not repeated: `unknown` if the connection is lost before the answer. */
  call(service: string, method: string, content: unknown = {}): Promise<Ok> {
    this.#connection.open()
    return this.#requests.ask({ op: 'call', service, method, content }, { repeatable: false })
  }

  /**
   * A command without a number, for services that give an `idempotencyKey` themselves.
   * Not repeated: `unknown` if the connection is lost before the answer.
   */
  async command(room: string, command: ActionWish): Promise<Accepted> {
    this.#connection.open()
    const accepted = (await this.#requests.ask({ op: 'do', room, ...command }, { repeatable: false })) as Accepted
    this.#atLeast = accepted.position
    return accepted
  }

  signal(signal: { room: string; type: string; content: unknown; to?: string }): void {
    this.#connection.send({ id: this.#requests.nextId(), op: 'signal', ...signal })
  }

  /** That one is typing there; 0 = no longer. Lost while not connected. */
  typing(room: string, timeoutMs?: number): void {
    this.#connection.send({ id: this.#requests.nextId(), op: 'typing', room, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  }

  /** Of this device, from now on and after every reconnect. */
  setPresence(presence: 'online' | 'away' | 'offline'): void {
    this.#presence = presence
    this.#connection.send({ id: this.#requests.nextId(), op: 'setPresence', presence })
  }

  /** Ends for good: subscriptions end, what is outstanding fails, with the reason in its message. */
  close(reason = 'closed'): void {
    this.#connection.close(reason)
  }

  #stream<P extends Place>(place: P, open: Wish, close: Wish, handlers: SubscriptionHandlers, forget: () => void): Stream<P> {
    this.#connection.open()
    return new Stream(place, { open, close }, handlers, {
      requests: this.#requests,
      isConnected: () => this.#connection.state === 'connected',
      environment: this.#environment,
      bounds: this.#bounds,
      times: this.#times,
      onError: (error) => this.#error(error),
      onGap: (gap) => this.#emitter.emit('gap', gap),
      forget,
    })
  }

  #streams(): Stream[] {
    return this.#sync ? [this.#sync, ...this.#rooms.values()] : [...this.#rooms.values()]
  }

  #connected(): void {
    this.#requests.connected()
    for (const stream of this.#streams()) stream.open()
    if (this.#presence !== undefined) this.setPresence(this.#presence)
    this.#outbox.connected()
  }

  #disconnected(): void {
    for (const stream of this.#streams()) stream.disconnected()
    this.#outbox.disconnected()
    this.#requests.disconnected()
    if (this.state !== 'closed') return
    for (const stream of this.#streams()) stream.end({ reason: this.#closedFor })
    this.#outbox.close(this.#closedFor)
    this.#requests.close(this.#closedFor)
  }

  #frame(frame: ServerFrame): void {
    if ('event' in frame) return this.#event(frame)
    if ('ok' in frame || 'error' in frame) return void (this.#requests.take(frame) || this.#outbox.take(frame) || this.#unasked(frame))
    if ('live' in frame) return this.#owner(frame.live.room)?.live(frame.live)
    if ('position' in frame) return this.#sync?.place.positioned(frame.position)
    if ('signal' in frame) return this.#signal(frame.signal)
    if ('reset' in frame) return this.#owner(frame.reset.room)?.reset(frame.reset)
    if ('end' in frame) return this.#end(frame.end)
    if ('bye' in frame && frame.bye.position !== undefined) this.#sync?.place.positioned(frame.bye.position)
  }

  #event(frame: EventFrame): void {
    const { room, seq } = frame.event
    if (frame.actionId !== undefined) this.#outbox.echoed(frame)
    const stream = this.#owner(room)
    if (stream) return stream.event(frame)
    if (!room.startsWith('@') || seq <= this.#inboxSeq) return
    this.#inboxSeq = seq
    const { event, after, position } = frame
    this.#emitter.emit('inbox', { event, after, live: true, ...(position === undefined ? {} : { position }) })
  }

  #signal(signal: SignalFrame['signal']): void {
    this.#owner(signal.room)?.signal(signal)
    this.#emitter.emit('signal', signal)
  }

  #end(end: { room: string; reason: string; seq?: number }): void {
    if (this.#sync) return this.#sync.left(end)
    this.#rooms.get(end.room)?.end(end)
  }

  #owner(room: string | undefined): Stream | undefined {
    return this.#sync ?? (room === undefined ? undefined : this.#rooms.get(room))
  }

  /** An error that answers nothing, e.g. to a frame that the server could not read. */
  #unasked(frame: ServerFrame): void {
    if ('error' in frame && frame.id === undefined) this.#error(clientError(frame.error.code, frame.error.message))
  }

  #action(action: Action): void {
    if (action.result?.position) this.#atLeast = action.result.position
    this.#emitter.emit('action', action)
  }

  #state(change: StateChange): void {
    if (change.state === 'closed') this.#closedFor = change.reason
    this.#emitter.emit('state', change)
  }

  #error(error: ClientError | unknown): void {
    if (this.#emitter.has('error')) return this.#emitter.emit('error', error)
    console.error('roomlog client:', error instanceof Error ? error.message : error)
  }
}

function wish(op: string, members: Record<string, unknown>, filter?: Filter): Wish {
  return { op, ...members, ...(filter === undefined ? {} : { filter }) }
}
