/**
 * What waits for one socket in the running tick, so that many small frames are one write; and how full the socket is.
 * Frames come framed and are shared between sockets: they are never changed.
 */
import type { Socket } from 'node:net'
import { Frame } from './frame.js'
import type { Sink } from './ports.js'

export interface OutboxOptions {
  flusher: Flusher
  /** Frames go out compressed. */
  compressed?: boolean
  /** Bound of the send buffer: beyond it the subscriptions of this socket fall behind. */
  bytesMax: number
  onDelivered(bytes: number): void
  /** The socket's buffer has passed its bound, or has drained again. */
  onFull(full: boolean): void
}

export class Outbox implements Sink {
  /** Of one tick: the only frame, which is the usual case and needs no list, or all of them. */
  private pending: Buffer | undefined
  private several: Buffer[] | undefined
  private pendingBytes = 0
  private waiting: (() => void)[] = []
  private over = false
  private wasFull = false

  constructor(
    private readonly socket: Socket,
    private readonly options: OutboxOptions,
  ) {
    socket.on('drain', () => this.release())
    socket.once('close', () => {
      this.over = true
      this.pending = this.several = undefined
      this.release()
    })
  }

  get buffered(): number {
    return this.pendingBytes + this.socket.writableLength
  }

  get full(): boolean {
    const full = this.pendingBytes + this.socket.writableLength > this.options.bytesMax
    if (full && !this.wasFull) {
      this.wasFull = true
      this.options.onFull(true)
    }
    return full
  }

  deliver(frame: Frame): void {
    const framed = this.options.compressed ? frame.compressed : frame.framed
    this.options.onDelivered(framed.length)
    this.put(framed)
  }

  send(text: string): void {
    const frame = Frame.text(text)
    this.put(this.options.compressed ? frame.compressed : frame.framed)
  }

  put(framed: Buffer): void {
    if (this.over) return
    if (this.pending === undefined) {
      this.pending = framed
      this.options.flusher.add(this)
    } else if (this.several === undefined) this.several = [this.pending, framed]
    else this.several.push(framed)
    this.pendingBytes += framed.length
  }

  drained(): Promise<void> {
    if (this.over || !this.full) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  /** Writes what is pending: one frame as it is, several small ones as one buffer, much as one gathered write. */
  flush(): void {
    const { pending, several, socket } = this
    if (pending === undefined) return
    const bytes = this.pendingBytes
    this.pending = this.several = undefined
    this.pendingBytes = 0
    if (this.over || socket.destroyed || socket.writableEnded) return
    if (several === undefined) socket.write(pending)
    else if (bytes <= joinBytesMax) socket.write(Buffer.concat(several, bytes))
    else {
      socket.cork()
      for (const framed of several) socket.write(framed)
      socket.uncork()
    }
  }

  private release(): void {
    if (this.wasFull) {
      this.wasFull = false
      this.options.onFull(false)
    }
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** Flushes every outbox that was written to, once per tick at the latest. */
export class Flusher {
  private dirty: Outbox[] = []

  add(outbox: Outbox): void {
    if (this.dirty.push(outbox) === 1) queueMicrotask(this.flush)
  }

  readonly flush = (): void => {
    const { dirty } = this
    if (dirty.length === 0) return
    this.dirty = []
    for (const outbox of dirty) outbox.flush()
  }
}

/** Up to here copying costs less than another entry of a gathered write. */
const joinBytesMax = 16 * 1024
