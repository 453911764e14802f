/**
 * Sockets and a clock for tests of whatever sends frames: a reader that can stop reading, and time that stands until moved.
 */

/** A socket whose other side reads when the test says so. Frames are kept as parsed JSON, in order. */
export class FakeSocket {
  readonly frames: any[] = []
  readonly texts: string[] = []
  closed: { code: number; reason: string } | undefined
  private unread: string[] = []
  private unreadBytes = 0
  private reading = true
  private waiting: (() => void)[] = []

  constructor(private readonly bytesMax = 1024 * 1024) {}

  /** Something with a payload of bytes, as frames are. */
  deliver(frame: { payload: Uint8Array }): void {
    this.put(Buffer.from(frame.payload).toString())
  }

  send(text: string): void {
    this.put(text)
  }

  get full(): boolean {
    return this.unreadBytes > this.bytesMax
  }

  get unreadCount(): number {
    return this.unread.length
  }

  drained(): Promise<void> {
    return this.full && !this.closed ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve()
  }

  close(code: number, reason = ''): void {
    this.closed ??= { code, reason }
    this.wake()
  }

  /** The other side stops reading: what is sent stays in the buffer. */
  stall(): void {
    this.reading = false
  }

  /** The other side reads on, from what is in the buffer. */
  resume(): void {
    this.reading = true
    for (const text of this.unread.splice(0)) this.read(text)
    this.unreadBytes = 0
    this.wake()
  }

  private put(text: string): void {
    if (this.closed) return
    if (this.reading) return this.read(text)
    this.unread.push(text)
    this.unreadBytes += Buffer.byteLength(text)
  }

  private read(text: string): void {
    this.texts.push(text)
    this.frames.push(JSON.parse(text))
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

/** Time that goes on only by `advance`. */
export class FakeClock {
  private time: number
  private timers: { at: number; call: () => void; id: number }[] = []
  private nextId = 0

  constructor(start = 1_700_000_000_000) {
    this.time = start
  }

  now = (): number => this.time

  after(ms: number, call: () => void): { cancel(): void } {
    const timer = { at: this.time + ms, call, id: this.nextId++ }
    this.timers.push(timer)
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) }
  }

  /** Runs what falls due, in order of time. */
  advance(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.id - b.id)[0]
      if (!due) break
      this.timers = this.timers.filter((other) => other !== due)
      this.time = Math.max(this.time, due.at)
      due.call()
    }
    this.time = until
  }
}
