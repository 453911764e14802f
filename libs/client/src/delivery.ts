import type { Filter, WireEvent } from '@roomlog/protocol'

/** One event as a subscription gives it to the application. */
export interface Delivery {
  event: WireEvent
  /** The last `seq` before it that was accounted for: `event.seq - after > 1` means that some were withheld. */
  after: number
  /** Opaque; a later subscription goes on behind this event from here. */
  position?: string
  /** On the device that sent it. */
  actionId?: number
  channels?: string[]
  /** False while the past is replayed. */
  live: boolean
}

/** Where to begin; at most one of `position`, `from`, `last`. Without any: at the tail. */
export interface SubscribeOptions {
  position?: string
  /** A `seq`; 1 = the first event that one may see. */
  from?: number
  last?: number
  filter?: Filter
}

export interface SyncOptions {
  /** What `sync.position` said when the application last saved it. */
  position?: string | string[]
  filter?: Filter
}

export interface Gap {
  room: string
  /** The last `seq` that came. */
  accounted: number
  /** What the server believed to have sent. */
  after: number
}

export interface Reset {
  room?: string
  reason: string
  /** The subscription goes on behind this position, the tail as it was; without it, it starts again as it began. */
  position?: string
  seq?: number
}

export interface Ending {
  room?: string
  /** `kicked`, `deleted`, `closed`, `gap`, or the code of a refusal. */
  reason: string
  seq?: number
}

/** Without `event`, deliveries wait in a bounded queue for `for await`. */
export interface SubscriptionHandlers {
  event?(delivery: Delivery): void
  /** The server has taken the subscription: where the tail is. Again after every reconnect. */
  ready?(at: { seq?: number; position?: string }): void
  /** Replay is done. */
  live?(): void
  /** Something was missing; the SDK goes back to the last position by itself. */
  gap?(gap: Gap): void
  /** What the application holds cannot be continued: throw it away, and read it anew. */
  reset?(reset: Reset): void
  signal?(signal: { room: string; type: string; [more: string]: unknown }): void
  /** The subscription has ended. */
  end?(ending: Ending): void
  /** One room of a sync has ended, e.g. because the user left. */
  left?(ending: Ending): void
}
