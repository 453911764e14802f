/**
 * What a session asks of the doors: who is this, what may they read by their token, take this command, answer this read.
 */
import type { Principal } from '@roomlog/door'
import type { Reply, WireError } from '@roomlog/protocol'

export type { Principal }

/** A `do` frame without `id` and `op`: members of the operation, `content` as raw text. */
export type CommandInput = Record<string, unknown>

export interface DoorPort {
  authenticate(token: string): Promise<Principal | WireError>
  /** Whether the device was signed out since the token was issued; may lag by a few seconds. */
  isRevoked(principal: Principal): boolean
  /** Whether the token lets them read the room as if it were the world's. */
  reads(principal: Principal, room: string): boolean
  /** Commands of one call order are written in that order. Never throws. */
  submit(principal: Principal, input: CommandInput): Promise<Omit<Reply, 'id'>>
}

export interface ReadPort {
  /** The body of a read of the HTTP API, asked for as the user; or why there is none. `token` undefined = anonymous. */
  read(op: string, input: Record<string, unknown>, token: string | undefined): Promise<{ body: string } | { error: WireError }>
}
