/**
 * Requests over the socket that are not actions: reads, subscriptions, calls. Bounded; each with a deadline.
 * A read may be repeated, so it survives a reconnect; a call may not, and fails with `unknown`.
 */
import type { ErrorFrame, OkFrame } from '@roomlog/protocol'
import type { Bounds, Times } from './bounds.js'
import type { Clock } from './environment.js'
import { ClientError, clientError, closedError } from './failure.js'

export type Ok = OkFrame['ok']

/** A frame without its request ID. */
export interface Wish {
  op: string
  [member: string]: unknown
}

export type Outcome = { ok: Ok } | { error: ClientError }

interface Pending {
  wish: Wish
  repeatable: boolean
  settle(outcome: Outcome): void
  timer: unknown
}

export class Requests {
  #pending = new Map<number, Pending>()
  /** Why, once it is. */
  #closed: string | undefined
  /** 0 is the connection's own. */
  #lastId = 0

  constructor(
    private readonly send: (frame: Wish & { id: number }) => void,
    private readonly isConnected: () => boolean,
    private readonly clock: Clock,
    private readonly bounds: Pick<Bounds, 'requestsMax'>,
    private readonly times: Pick<Times, 'answerWithin'>,
  ) {}

  /** An ID that no other request of this client has. */
  nextId(): number {
    return ++this.#lastId
  }

  /** @throws ClientError: the server's, `limited` above the bound, `unknown` if no answer comes. */
  ask(wish: Wish, { repeatable }: { repeatable: boolean }): Promise<Ok> {
    return new Promise((resolve, reject) => {
      this.request(wish, { repeatable }, (outcome) => ('ok' in outcome ? resolve(outcome.ok) : reject(outcome.error)))
    })
  }

  /** `settle` is called in the turn in which the answer came, before the frames behind it are looked at. */
  request(wish: Wish, { repeatable }: { repeatable: boolean }, settle: (outcome: Outcome) => void): void {
    if (this.#closed !== undefined) return settle({ error: closedError(this.#closed) })
    if (this.#pending.size >= this.bounds.requestsMax) {
      return settle({ error: clientError('limited', 'too many requests wait for an answer') })
    }
    const id = this.nextId()
    const timer = this.clock.setTimeout(() => this.#fail(id, clientError('unknown', 'no answer in time')), this.times.answerWithin)
    this.#pending.set(id, { wish, repeatable, settle, timer })
    if (this.isConnected()) this.send({ id, ...wish })
  }

  /** Whether the frame answered one of these. */
  take(frame: OkFrame | ErrorFrame): boolean {
    const pending = frame.id === undefined ? undefined : this.#pending.get(frame.id)
    if (!pending) return false
    this.#forget(frame.id!, pending)
    pending.settle('ok' in frame ? { ok: frame.ok } : { error: new ClientError(frame.error) })
    return true
  }

  connected(): void {
    for (const [id, { wish }] of this.#pending) this.send({ id, ...wish })
  }

  disconnected(): void {
    for (const [id, { repeatable }] of this.#pending) {
      if (!repeatable) this.#fail(id, clientError('unknown', 'the connection was lost before the answer'))
    }
  }

  close(reason: string): void {
    this.#closed = reason
    for (const id of [...this.#pending.keys()]) this.#fail(id, closedError(reason))
  }

  #fail(id: number, error: ClientError): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    this.#forget(id, pending)
    pending.settle({ error })
  }

  #forget(id: number, pending: Pending): void {
    this.#pending.delete(id)
    this.clock.clearTimeout(pending.timer)
  }
}
