/** The operations that an edge serves itself, whatever door they came through. */
import { validate } from '@roomlog/door'
import { type WireError, wireError } from '@roomlog/protocol'
import type { Input, Operation } from '@roomlog/protocol/operations'
import type { EdgeParts, Principal } from './edge.js'

export type Performed = { ok: object } | { error: WireError }
type Handler = (principal: Principal, input: any) => Promise<object | WireError>

export class Live {
  private readonly handlers: Record<string, Handler>

  constructor(private readonly edge: EdgeParts) {
    const { ephemeral, nodes } = edge
    this.handlers = {
      signal: (principal, input) => ephemeral.signal(principal, input),
      typing: (principal, input) => ephemeral.type(principal, input),
      presence: (principal, { room }) => ephemeral.presentIn(principal, room),
      setPresence: async ({ user, device }, { presence }) => {
        // It may be connected to other edges, or to others too.
        if (!ephemeral.presence.set(user, device, presence)) nodes.tellPresence(user, device, presence)
        return { user, presence }
      },
      where: async (_principal, { rooms }) => nodes.where(rooms),
    }
  }

  performs({ name }: Operation): boolean {
    return Object.hasOwn(this.handlers, name)
  }

  /** Never throws. */
  async perform(principal: Principal, operation: Operation, input: Input): Promise<Performed> {
    const fault = validate(operation, input)
    if (fault) return { error: fault }
    if (principal.anonymous && operation.needs !== 'anyone') return { error: wireError('unauthenticated', 'a token is needed to act') }
    try {
      const outcome = await this.handlers[operation.name]!(principal, input)
      return isError(outcome) ? { error: outcome } : { ok: outcome }
    } catch (error) {
      this.edge.onFailure(error, operation.name)
      return { error: wireError('unavailable') }
    }
  }
}

const isError = (outcome: object): outcome is WireError => 'code' in outcome
