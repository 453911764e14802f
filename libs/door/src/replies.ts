/**
 * Where the outcomes of a door's commands come in: one partition of `room.replies` per door, read from its end on, and a map of
 * who waits. A reply for somebody else's request, or for one that has timed out, is passed over.
 */
import type { Batch, Log, Tail } from '@roomlog/log'
import { type Reply, wireError } from '@roomlog/protocol'

const topic = 'room.replies'

interface Waiting {
  resolve(reply: Reply): void
  /** On the monotonic clock. */
  until: number
}

export class Replies {
  private readonly waiting = new Map<string, Waiting>()
  /** One for all who wait, at the first end: nearly all are answered before it. */
  private timer: NodeJS.Timeout | undefined
  private timerAt = Number.POSITIVE_INFINITY
  private tail: Tail | undefined

  constructor(
    private readonly log: Log,
    readonly partition: number,
    /** Requests that may wait at once. */
    private readonly waitingMax: number,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Resolves when the tail is in step: from then on no reply is missed. */
  async start(): Promise<void> {
    const { end } = await this.log.range(topic, this.partition)
    await new Promise<void>((resolve) => {
      const onBatch = (batch: Batch) => {
        for (const record of batch.records) if (record.key !== null && record.value !== null) this.settle(record.key, record.value)
        if (batch.next >= batch.end) resolve()
      }
      this.tail = this.log.tail(topic, this.partition, end, onBatch, { onFailure: this.onFailure })
    })
  }

  async stop(): Promise<void> {
    await this.tail?.stop()
    for (const id of [...this.waiting.keys()]) this.give(id, { id, error: wireError('unknown') })
    this.wake(Number.POSITIVE_INFINITY)
  }

  get full(): boolean {
    return this.waiting.size >= this.waitingMax
  }

  get size(): number {
    return this.waiting.size
  }

  /** Never rejects: without an answer in time the outcome is `unknown`. */
  wait(id: string, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve) => {
      const until = performance.now() + timeoutMs
      this.waiting.set(id, { resolve, until })
      if (until < this.timerAt) this.wake(until)
    })
  }

  /** An outcome that is known without the log, e.g. that the command was never appended. */
  give(id: string, reply: Reply): void {
    const found = this.waiting.get(id)
    if (!found) return
    this.waiting.delete(id)
    found.resolve(reply)
  }

  private wake(at: number): void {
    clearTimeout(this.timer)
    this.timerAt = at
    this.timer = at === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => this.expire(), at - performance.now())
  }

  private expire(): void {
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    for (const [id, { until }] of this.waiting) {
      if (until <= now) this.give(id, { id, error: wireError('unknown') })
      else if (until < next) next = until
    }
    this.wake(next)
  }

  private settle(id: string, value: Buffer): void {
    if (!this.waiting.has(id)) return
    try {
      this.give(id, JSON.parse(value.toString()) as Reply)
    } catch (error) {
      this.onFailure(new Error(`a reply is not JSON: ${(error as Error).message}`))
    }
  }
}
