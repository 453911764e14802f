/** What a subscription is given: whose it is, where it reads, where it writes, whom it tells. */
import type { Access } from './access.js'
import type { Wanted } from './filter.js'
import type { Clock, Sink } from './ports.js'
import type { RoomRecord } from './record.js'
import type { Replay } from './replay.js'
import type { Room } from './room.js'
import type { Subscription } from './subscription.js'

export interface Viewer {
  user: string
  device: string
  /** May read the room as if it were the world's: a grant or a scope of the token. */
  byRight: boolean
}

export interface SubscriptionContext {
  room: Room
  access: Access
  viewer: Viewer
  wanted: Wanted
  sink: Sink
  replay: Replay
  clock: Clock
  /** The subscription is over; nothing of it will be sent any more. */
  onEnd(subscription: Subscription): void
  /** The log is another one: whoever made the subscription starts it anew. */
  onRenew(subscription: Subscription): void
  /** No `live` frame of its own: it is part of something larger that says so. */
  quiet?: boolean
  /** Every event that is accounted for, seen or not. */
  onRecord?(record: RoomRecord): void
  onState?(state: State, before: State): void
  onReplay?(source: 'ring' | 'log' | 'persistence', events: number): void
  onFailure?(error: unknown): void
}

export type State = 'behind' | 'live' | 'ended'
