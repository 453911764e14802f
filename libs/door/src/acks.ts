/**
 * Read markers: an ack of a room moves the user's own marker, which is state of the inbox (`room.marker`, key = the room).
 *
 * A reader acks with every message on screen. So acks are coalesced for each user and room: the first is written at once, what comes
 * within 2 s of a write is written together at the end of them, up to the furthest, and answered together.
 */
import { type Reply, type WireError, wireError } from '@roomlog/protocol'
import type { Input } from '@roomlog/protocol/operations'
import type { Principal } from './principal.js'
import { readsByToken } from './rights.js'
import type { SubmitOptions } from './writer.js'

/** Which event of a room an ack means, and where it stands. */
export interface MarkerQuestion {
  room: string
  user: string
  /** Absent = the last that the user may see. */
  event?: string
  /** The token lets them read the room as if it were the world's. */
  reads: boolean
}

export interface MarkedEvent {
  event: string
  seq: number
}

/** `undefined` = there is no such event, or they may not see it. Throws where it cannot be known now. */
export type ResolveMarker = (question: MarkerQuestion) => Promise<MarkedEvent | undefined>

export interface AckParts {
  resolve: ResolveMarker
  write(principal: Principal, draft: MarkerDraft, options: SubmitOptions): Promise<Reply>
  onFailure(error: Error): void
  /** Default 2 s. */
  delayMs?: number
}

export interface MarkerDraft {
  type: 'room.marker'
  room: string
  key: string
  content: string
  onBehalfOf?: string
}

interface Waiting {
  principal: Principal
  ack: Ack
  marked: MarkedEvent
  options: SubmitOptions
  resolve(reply: Reply): void
}

interface Ack {
  room: string
  user: string
  event?: string
  onBehalfOf?: string
}

/** Users and rooms that are held back at once; beyond it acks are written as they come. */
const heldMax = 50_000
/** The projection may be a moment behind the event that was seen just now. */
const retryDelaysMs = [0, 100, 400]

export class Acks {
  /** What was written within the last 2 s, and who waits for the next write. */
  private readonly held = new Map<string, { waiting: Waiting[]; timer: NodeJS.Timeout }>()

  constructor(private readonly parts: AckParts) {}

  /** Never rejects. */
  async ack(principal: Principal, input: Input, options: SubmitOptions): Promise<Reply> {
    const ack: Ack = { room: input.room, user: input.onBehalfOf ?? principal.user, event: input.event, onBehalfOf: input.onBehalfOf }
    const marked = await this.resolve(principal, ack)
    if ('code' in marked) return { id: '', error: marked }
    return new Promise((resolve) => this.take({ principal, ack, marked, options, resolve }))
  }

  /** What is held back is written now. */
  stop(): void {
    for (const { waiting, timer } of this.held.values()) {
      clearTimeout(timer)
      if (waiting.length > 0) this.write(waiting)
    }
    this.held.clear()
  }

  private take(waiting: Waiting): void {
    const key = `${waiting.ack.user}\n${waiting.ack.room}`
    const held = this.held.get(key)
    if (held) {
      held.waiting.push(waiting)
      return
    }
    if (this.held.size < heldMax) this.hold(key)
    this.write([waiting])
  }

  private hold(key: string): void {
    const timer = setTimeout(() => this.release(key), this.parts.delayMs ?? 2_000)
    timer.unref()
    this.held.set(key, { waiting: [], timer })
  }

  private release(key: string): void {
    const { waiting } = this.held.get(key)!
    this.held.delete(key)
    if (waiting.length === 0) return
    this.hold(key)
    this.write(waiting)
  }

  private write(waiting: Waiting[]): void {
    const furthest = waiting.reduce((one, other) => (other.marked.seq > one.marked.seq ? other : one))
    const { principal, ack, marked, options } = furthest
    const content = JSON.stringify({ seq: marked.seq, event: marked.event })
    const draft: MarkerDraft = { type: 'room.marker', room: `@${ack.user}`, key: ack.room, content }
    if (ack.onBehalfOf !== undefined) draft.onBehalfOf = ack.onBehalfOf
    void this.parts.write(principal, draft, options).then((reply) => {
      const answer = reply.ok ? { ...reply, ok: { ...reply.ok, marker: { room: ack.room, ...marked } } } : reply
      for (const { resolve } of waiting) resolve(answer)
    })
  }

  private async resolve(principal: Principal, { room, user, event }: Ack): Promise<MarkedEvent | WireError> {
    if (principal.anonymous) return wireError('unauthenticated', 'only reading is possible without a token')
    const question: MarkerQuestion = { room, user, event, reads: readsByToken(principal, room) }
    try {
      for (const delayMs of event === undefined ? [0] : retryDelaysMs) {
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
        const found = await this.parts.resolve(question)
        if (found) return found
      }
      return wireError('not_found')
    } catch (error) {
      this.parts.onFailure(error as Error)
      return wireError('unavailable', 'events cannot be looked up now')
    }
  }
}
