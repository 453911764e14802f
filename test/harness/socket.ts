/**
 * A WebSocket client that knows nothing of the SDK: what it sends and receives is what is on the wire.
 */
import WebSocket from 'ws'

export type Frame = Record<string, any>

export class WireSocket {
  readonly frames: Frame[] = []
  /** The frames as text, in the order of `frames`: for checks on bytes. */
  readonly texts: string[] = []
  closed: { code: number; reason: string } | undefined
  private waiting: (() => void)[] = []
  private nextId = 1

  readonly ws: WebSocket

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('message', (data) => {
      const text = data.toString()
      const parsed = JSON.parse(text) as Frame | Frame[]
      for (const frame of Array.isArray(parsed) ? parsed : [parsed]) {
        this.frames.push(frame)
        this.texts.push(text)
      }
      this.wake()
    })
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.wake()
    })
    ws.on('error', () => {})
  }

  /** Opens the socket; with a token it also authenticates by the first message. */
  static async open(
    baseUrl: string,
    token?: string | null,
    options: WebSocket.ClientOptions & { query?: string; protocols?: string[] } = {},
  ): Promise<WireSocket> {
    const { query = '', protocols = ['roomlog.v1'], ...rest } = options
    const ws = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}/v1/ws${query}`, protocols, rest)
    const socket = new WireSocket(ws)
    await new Promise<void>((resolve, reject) => {
      ws.once('open', () => resolve())
      ws.once('error', reject)
    })
    if (token !== undefined) {
      const answer = await socket.request({ op: 'auth', ...(token === null ? {} : { token }) })
      if (answer.error) throw new Error(`auth: ${JSON.stringify(answer.error)}`)
    }
    return socket
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** Sends with a fresh `id` and resolves with the answer to it. */
  async request(frame: Frame, timeoutMs = 15_000): Promise<Frame> {
    const id = this.nextId++
    this.send({ id, ...frame })
    return this.next((answer) => answer.id === id, timeoutMs)
  }

  /** Like `request`, but an error answer throws. */
  async ok(frame: Frame, timeoutMs?: number): Promise<any> {
    const answer = await this.request(frame, timeoutMs)
    if (answer.error) throw new Error(`${JSON.stringify(frame)} → ${JSON.stringify(answer.error)}`)
    return answer.ok
  }

  /** The first frame, also of those received already, that the predicate accepts. */
  async next(accept: (frame: Frame) => boolean, timeoutMs = 15_000): Promise<Frame> {
    const deadline = Date.now() + timeoutMs
    let seen = 0
    for (;;) {
      for (; seen < this.frames.length; seen++) if (accept(this.frames[seen]!)) return this.frames[seen]!
      if (this.closed) throw new Error(`closed ${this.closed.code} ${this.closed.reason} while waiting; last frames: ${this.tail()}`)
      await this.wait(deadline - Date.now(), () => `no such frame; last frames: ${this.tail()}`)
    }
  }

  async untilClosed(timeoutMs = 15_000): Promise<{ code: number; reason: string }> {
    const deadline = Date.now() + timeoutMs
    while (!this.closed) await this.wait(deadline - Date.now(), () => 'still open')
    return this.closed
  }

  /** Event frames of a room, in the order of arrival. */
  events(room: string): Frame[] {
    return this.frames.filter((frame) => frame.event?.room === room)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.ws.close()
    await this.untilClosed().catch(() => this.ws.terminate())
  }

  private tail(): string {
    return this.frames
      .slice(-5)
      .map((frame) => JSON.stringify(frame).slice(0, 300))
      .join('\n')
  }

  private wake(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
  }

  private wait(ms: number, describe: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`timed out: ${describe()}`)), Math.max(ms, 0))
      this.waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
