import type { ServerFrame } from '@roomlog/protocol'
import type { StateChange } from './state.js'

/** What a connection tells its owner. */
export interface ConnectionHooks {
  onState(change: StateChange): void
  /** Authenticated: send again what must not be lost. */
  onConnected(): void
  onDisconnected(): void
  /** Any frame but the answers to the connection's own requests. */
  onFrame(frame: ServerFrame): void
  onWoke(sleptMs: number): void
  /** Something failed that has no other place to be told. */
  onError(error: unknown): void
}
