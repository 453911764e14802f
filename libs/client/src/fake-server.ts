/**
 * A server for the SDK's tests: sockets without a network, one log per room, subscriptions and numbered actions as in the
 * contract. Tests break it on purpose: refuse, lose, delay, close.
 */
import type { ServerFrame, WireEvent } from '@roomlog/protocol'
import type { SocketFactory, SocketLike } from './environment.js'

type Frame = { id: number; op: string; room?: string; [member: string]: any }

export class FakeServer {
  readonly sockets: FakeSocket[] = []
  /** Everything that clients sent, `auth` and `ping` too. */
  readonly received: Frame[] = []
  readonly rooms = new Map<string, WireEvent[]>()
  /** Answers these ops with nothing. */
  readonly deaf = new Set<string>()
  /** While set, sockets never open. */
  unreachable = false
  /** Called first; what it returns is the answer. */
  intercept: ((frame: Frame, socket: FakeSocket) => Partial<ServerFrame> | 'silence' | undefined) | undefined
  readonly actions = new Map<string, { event: string; room: string; seq: number; position: string }>()

  readonly webSocket: SocketFactory = (url, protocols) => {
    const socket = new FakeSocket(this, url, protocols)
    this.sockets.push(socket)
    queueMicrotask(() => {
      if (this.unreachable) socket.drop(1006)
      else socket.onopen?.()
    })
    return socket
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1)!
  }

  sent(op: string): Frame[] {
    return this.received.filter((frame) => frame.op === op)
  }

  /** Appends an event and delivers it to those who subscribed. */
  append(room: string, type = 'msg.text', content: unknown = {}, actionId?: number): WireEvent {
    const log = this.log(room)
    const seq = log.length + 1
    const event: WireEvent = { id: `0-${seq}-check`, room, seq, type, sender: { id: 'anna' }, at: seq, content }
    log.push(event)
    for (const socket of this.sockets) socket.deliver(event, actionId)
    return event
  }

  log(room: string): WireEvent[] {
    const log = this.rooms.get(room) ?? []
    this.rooms.set(room, log)
    return log
  }
}

export class FakeSocket implements SocketLike {
  bufferedAmount = 0
  onopen: (() => void) | null = null
  onmessage: ((message: { data: unknown }) => void) | null = null
  onclose: ((close: { code: number }) => void) | null = null
  onerror: ((error: unknown) => void) | null = null
  closedWith: number | undefined
  /** The last `seq` sent, per subscribed room. */
  readonly cursors = new Map<string, number>()
  #open = true

  constructor(
    private readonly server: FakeServer,
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(text: string): void {
    const frames = JSON.parse(text) as Frame | Frame[]
    for (const frame of [frames].flat()) {
      this.server.received.push(frame)
      queueMicrotask(() => this.#take(frame))
    }
  }

  close(code?: number): void {
    this.closedWith ??= code ?? 1005
    this.#open = false
  }

  push(...frames: object[]): void {
    if (this.#open) this.onmessage?.({ data: JSON.stringify(frames.length === 1 ? frames[0] : frames) })
  }

  /** The connection ends, from the server's side or the network's. */
  drop(code: number): void {
    if (!this.#open) return
    this.#open = false
    this.onclose?.({ code })
  }

  /** The other side is gone without a word. */
  freeze(): void {
    this.#open = false
  }

  deliver(event: WireEvent, actionId?: number): void {
    const after = this.cursors.get(event.room)
    if (after === undefined || event.seq <= after) return
    this.cursors.set(event.room, event.seq)
    this.push({ event, after, position: positionOf(event), ...(actionId === undefined ? {} : { actionId }) })
  }

  #take(frame: Frame): void {
    if (!this.#open || this.server.deaf.has(frame.op)) return
    const intercepted = this.server.intercept?.(frame, this)
    if (intercepted === 'silence') return
    if (intercepted) return this.push({ id: frame.id, ...intercepted })
    if (frame.op === 'subscribe') return this.#subscribe(frame)
    if (frame.op === 'do') return this.#do(frame)
    if (frame.op === 'unsubscribe') this.cursors.delete(frame.room!)
    this.push({ id: frame.id, ok: {} })
  }

  #subscribe({ id, room, position, from, last }: Frame): void {
    const log = this.server.log(room!)
    const tail = log.length
    const start =
      position !== undefined ? Number(position.split('.')[1]) : from !== undefined ? from - 1 : last !== undefined ? tail - last : tail
    const replay = log.slice(Math.max(0, start))
    this.cursors.set(room!, tail)
    this.push(
      { id, ok: { room, seq: tail, position: `${room}.${tail}` } },
      ...replay.map((event) => ({ event, after: event.seq - 1, position: positionOf(event) })),
      { live: { room, seq: tail, position: `${room}.${tail}` } },
    )
  }

  #do({ id, room, type, content, actionId }: Frame): void {
    const key = `${room} ${actionId}`
    let ok = this.server.actions.get(key)
    if (!ok) {
      const event = this.server.append(room!, type, content, actionId)
      ok = { event: event.id, room: room!, seq: event.seq, position: positionOf(event) }
      this.server.actions.set(key, ok)
    }
    this.push({ id, ok })
  }
}

export const positionOf = (event: WireEvent): string => `${event.room}.${event.seq}`
