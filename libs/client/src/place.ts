/**
 * Where a subscription stands, and the proof that it missed nothing.
 *
 * A room numbers its events 1, 2, 3 … and every event frame says in `after` up to where the server has accounted for the
 * room on this subscription. What we have accounted for ourselves must reach at least that far; if it does not, a frame
 * was lost and the subscription goes back to its last position. A `seq` that we have accounted for already is a repeat.
 */
import type { EventFrame, LiveFrame } from '@roomlog/protocol'
import type { Gap, SubscribeOptions, SyncOptions } from './delivery.js'
import type { Ok } from './requests.js'

export type Verdict = 'new' | 'repeat' | Gap

export interface Place {
  /** Members of the frame that starts the subscription here. */
  start(): Record<string, unknown>
  opened(ok: Ok): void
  accept(frame: EventFrame): Verdict
  live(live: LiveFrame['live']): void
  /** What is held cannot be continued: on from where the server goes on, or back to the beginning. */
  reset(at?: { position: string; seq?: number }): void
}

/** One room: a position and a `seq`. */
export class RoomPlace implements Place {
  position: string | undefined
  seq: number | undefined

  constructor(
    readonly room: string,
    private readonly options: SubscribeOptions,
  ) {
    this.position = options.position
  }

  start(): Record<string, unknown> {
    const { from, last } = this.options
    if (this.position !== undefined) return { position: this.position }
    if (this.seq !== undefined) return { from: this.seq + 1 }
    return { ...(from === undefined ? {} : { from }), ...(last === undefined ? {} : { last }) }
  }

  opened({ seq, position }: Ok): void {
    const { from, last } = this.options
    const atTail = this.position === undefined && this.seq === undefined && from === undefined && last === undefined
    if (atTail) this.#advance(seq, position)
  }

  accept({ event, after, position }: EventFrame): Verdict {
    if (this.seq !== undefined && event.seq <= this.seq) return 'repeat'
    if (this.seq !== undefined && after > this.seq) return { room: this.room, accounted: this.seq, after }
    this.seq = event.seq
    // A position that is not given (a face's frame) must not leave an older one standing.
    this.position = position
    return 'new'
  }

  live({ seq, position }: LiveFrame['live']): void {
    if (this.seq === undefined || (seq !== undefined && seq >= this.seq)) this.#advance(seq, position)
  }

  reset(at?: { position: string; seq?: number }): void {
    this.#advance(at?.seq, at?.position)
  }

  #advance(seq: number | undefined, position: string | undefined): void {
    this.seq = seq
    this.position = position
  }
}

/** All rooms of the user: the last composite position, and the newest event position of each room since. */
export class SyncPlace implements Place {
  #composite: string[]
  #since = new Map<string, string>()
  #seqs = new Map<string, number>()

  constructor(options: SyncOptions) {
    this.#composite = options.position === undefined ? [] : [options.position].flat()
  }

  /** What to save, and to give to a later `sync`. */
  get position(): string[] {
    return [...this.#composite, ...this.#since.values()]
  }

  start(): Record<string, unknown> {
    const { position } = this
    return position.length === 0 ? {} : { position: position.length === 1 ? position[0] : position }
  }

  opened({ position }: Ok): void {
    if (this.#composite.length === 0 && position !== undefined) this.positioned(position)
  }

  accept({ event, after, position }: EventFrame): Verdict {
    const seq = this.#seqs.get(event.room)
    if (seq !== undefined && event.seq <= seq) return 'repeat'
    if (seq !== undefined && after > seq) return { room: event.room, accounted: seq, after }
    this.#seqs.set(event.room, event.seq)
    if (position !== undefined) this.#since.set(event.room, position)
    return 'new'
  }

  live({ position }: LiveFrame['live']): void {
    if (position !== undefined) this.positioned(position)
  }

  /** A composite covers every event before it. */
  positioned(position: string): void {
    this.#composite = [position]
    this.#since.clear()
  }

  /** The user is out of the room; coming back starts at the join. */
  left(room: string): void {
    this.#seqs.delete(room)
    this.#since.delete(room)
  }

  reset(at?: { position: string }): void {
    this.#composite = at ? [at.position] : []
    this.#since.clear()
    this.#seqs.clear()
  }
}
