/**
 * Outgoing frames: what is sent in one turn of the event loop goes out as one array, within the server's limits. While the
 * socket's buffer is above its bound, frames wait here; whoever fills the queue is bounded elsewhere (actions, requests).
 */
import type { ClientFrame } from '@roomlog/protocol'
import type { Bounds } from './bounds.js'
import type { Clock, SocketLike } from './environment.js'

const drainPollMs = 20

export class Sender {
  #queue: string[] = []
  #scheduled = false
  #stopped = false

  constructor(
    private readonly socket: SocketLike,
    private readonly clock: Clock,
    private readonly bounds: Pick<Bounds, 'frameItemsMax' | 'frameCharactersMax' | 'sendBufferMax'>,
  ) {}

  send(frame: ClientFrame): void {
    this.#queue.push(JSON.stringify(frame))
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#flush())
  }

  stop(): void {
    this.#stopped = true
    this.#queue = []
  }

  #flush(): void {
    this.#scheduled = false
    let sent = 0
    while (sent < this.#queue.length && !this.#stopped) {
      if (this.socket.bufferedAmount > this.bounds.sendBufferMax) {
        this.#scheduled = true
        this.clock.setTimeout(() => this.#flush(), drainPollMs)
        break
      }
      const items = this.#take(sent)
      sent += items.length
      this.socket.send(items.length === 1 ? items[0]! : `[${items.join(',')}]`)
    }
    this.#queue.splice(0, sent)
  }

  #take(start: number): string[] {
    const items: string[] = []
    let characters = 0
    for (let i = start; i < this.#queue.length && items.length < this.bounds.frameItemsMax; i++) {
      characters += this.#queue[i]!.length + 1
      if (items.length > 0 && characters > this.bounds.frameCharactersMax) break
      items.push(this.#queue[i]!)
    }
    return items
  }
}
