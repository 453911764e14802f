/**
 * The operations that an authenticated session asks for: each to whoever performs it, each answered under its `id`. Commands are
 * handed to the door in the order in which they came; reads and subscriptions go on side by side.
 */
import { type WireError, wireError } from '@roomlog/protocol'
import { liveOfOp } from '@roomlog/protocol/operations'
import type { EdgeParts, Principal } from './edge.js'
import { subscribeInput, syncInput } from './input.js'
import type { Subscriptions } from './subscriptions.js'

type Envelope = Record<string, unknown>
export type Id = number | string | undefined

/** How a session answers. */
export interface Answers {
  ok(id: Id, ok: object): void
  /** `body` is JSON as it stands. */
  body(id: Id, body: string): void
  error(id: Id, error: WireError): void
  limited(id: Id, retryAfterMs: number): void
  /** A resume ticket of what is proven now, if there can be one. */
  ticket(): string | undefined
}

export class Requests {
  private reading = 0

  constructor(
    private readonly edge: EdgeParts,
    private readonly subscriptions: Subscriptions,
    private readonly answers: Answers,
  ) {}

  perform(frame: Envelope, id: Id, principal: Principal, token: string | undefined): void {
    switch (frame.op) {
      case 'ping':
        return this.answers.ok(id, {})
      case 'subscribe':
        return this.subscribe(frame, id, principal)
      case 'unsubscribe':
        return this.unsubscribe(frame, id)
      case 'sync':
        return this.sync(frame, id, principal)
      case 'ticket':
        return this.ticket(id)
      case 'do':
        return this.submit(frame, id, principal)
      default:
        return liveOfOp(String(frame.op)) ? this.live(frame, id, principal) : this.read(frame, id, token)
    }
  }

  private subscribe(frame: Envelope, id: Id, principal: Principal): void {
    const input = subscribeInput(frame)
    if ('code' in input) return this.answers.error(id, input)
    void this.subscriptions.open(input, principal, (answer) => this.answer(id, answer))
  }

  private sync(frame: Envelope, id: Id, principal: Principal): void {
    const input = principal.anonymous ? wireError('unauthenticated', 'a token is needed to have rooms') : syncInput(frame)
    if ('code' in input) return this.answers.error(id, input)
    this.subscriptions.sync(input, principal, (answer) => this.answer(id, answer))
  }

  /** Of a room; without one, of the sync. */
  private unsubscribe({ room }: Envelope, id: Id): void {
    const closed = room === undefined ? this.subscriptions.closeSync() : this.subscriptions.close(String(room))
    this.answer(id, closed ? { ok: { room } } : { error: wireError('not_found', 'no such subscription') })
  }

  private ticket(id: Id): void {
    const ticket = this.answers.ticket()
    this.answer(id, ticket === undefined ? { error: wireError('unavailable', 'nothing is proven yet') } : { ok: { ticket } })
  }

  private submit(frame: Envelope, id: Id, principal: Principal): void {
    const { id: _id, op: _op, ...input } = frame
    if (principal.anonymous) return this.answers.error(id, wireError('unauthenticated', 'a token is needed to act'))
    void this.edge.door.submit(principal, input).then(({ ok, error }) => (error ? this.answers.error(id, error) : this.answers.ok(id, ok!)))
  }

  /** What the edge serves itself. */
  private live(frame: Envelope, id: Id, principal: Principal): void {
    const { id: _id, op, ...input } = frame
    this.counted(id, async () => this.answer(id, await this.edge.live.perform(principal, liveOfOp(String(op))!, input)))
  }

  private read(frame: Envelope, id: Id, token: string | undefined): void {
    const { id: _id, op, ...input } = frame
    this.counted(id, async () => {
      const answer = await this.edge.reads.read(String(op), input, token)
      if ('body' in answer) this.answers.body(id, answer.body)
      else this.answers.error(id, answer.error)
    })
  }

  private counted(id: Id, work: () => Promise<void>): void {
    if (this.reading >= readsMax) return this.answers.limited(id, 100)
    this.reading++
    void work().finally(() => this.reading--)
  }

  private answer(id: Id, answer: { ok: object } | { error: WireError }): void {
    if ('ok' in answer) this.answers.ok(id, answer.ok)
    else this.answers.error(id, answer.error)
  }
}

/** Reads of one connection that run at once. */
const readsMax = 16
