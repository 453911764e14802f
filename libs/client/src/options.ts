import type { SignalFrame } from '@roomlog/protocol'
import type { Action } from './action.js'
import type { Bounds, Times } from './bounds.js'
import type { Delivery, Gap } from './delivery.js'
import { type Environment, environment } from './environment.js'
import type { Placed } from './placement.js'
import type { StateChange } from './state.js'
import type { TokenSource } from './token.js'

export interface ConnectOptions extends Partial<Environment> {
  /** Base URL, `http:` or `https:`. */
  url: string
  token?: TokenSource
  /** Rooms by which the deployment chooses the edge: one that follows them already. */
  placement?: Placed
  /** The highest action ID that this device has used, where the application remembers it; otherwise they follow the clock. */
  lastActionId?: number
  bounds?: Partial<Bounds>
  times?: Partial<Times>
}

export interface ClientEvents {
  state: StateChange
  /** An action is pending, confirmed or failed. */
  action: Action
  /** An event of the user's own inbox; without a subscription or sync of its own. */
  inbox: Delivery
  gap: Gap
  /** The machine slept; the connection is being checked. */
  woke: { sleptMs: number }
  signal: SignalFrame['signal']
  /** What has no other place: a handler that threw, a token source that failed, a refused token. */
  error: unknown
}

/** The given parts of the surroundings, and the usual rest. */
export function environmentOf({ clock, random, webSocket, fetch }: Partial<Environment>): Environment {
  return { ...environment, ...(clock && { clock }), ...(random && { random }), ...(webSocket && { webSocket }), ...(fetch && { fetch }) }
}
