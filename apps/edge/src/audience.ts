/**
 * Who is there: the subscriptions of this edge by room, as what is never stored reaches them. One connection gets a frame
 * once, however many of its subscriptions include the room; one whose buffer is full does not get it at all.
 */
import type { Access } from './access.js'
import type { Frame } from './frame.js'
import type { Sink } from './ports.js'
import type { Viewer } from './subscription-context.js'

/** A subscription, as signals see it. */
export interface Attendant {
  readonly access: Access
  readonly context: { readonly viewer: Viewer; readonly sink: Sink; readonly wanted: { readonly users?: ReadonlySet<string> } }
  /** Whether what is said now is theirs to hear. */
  readonly entitled: boolean
}

export interface AudienceOptions {
  onDelivered(kind: string): void
  /** Dropped for a connection that could not keep up. */
  onDropped(kind: string): void
}

export class Audience {
  private readonly rooms = new Map<string, Set<Attendant>>()

  constructor(private readonly options: AudienceOptions) {}

  enter(room: string, attendant: Attendant): void {
    let attendants = this.rooms.get(room)
    if (!attendants) this.rooms.set(room, (attendants = new Set()))
    attendants.add(attendant)
  }

  leave(room: string, attendant: Attendant): void {
    const attendants = this.rooms.get(room)
    if (attendants?.delete(attendant) && attendants.size === 0) this.rooms.delete(room)
  }

  has(room: string): boolean {
    return this.rooms.has(room)
  }

  /** `frameFor` is asked once per connection; undefined = nothing for this one. */
  deliver(kind: string, room: string, frameFor: (attendant: Attendant) => Frame | undefined): void {
    const done = new Set<Sink>()
    for (const attendant of this.rooms.get(room) ?? []) {
      const { sink } = attendant.context
      if (!attendant.entitled || done.has(sink)) continue
      const frame = frameFor(attendant)
      if (!frame) continue
      done.add(sink)
      if (sink.full) this.options.onDropped(kind)
      else {
        sink.deliver(frame)
        this.options.onDelivered(kind)
      }
    }
  }
}
