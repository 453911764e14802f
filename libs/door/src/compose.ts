/**
 * From what a principal asks to the commands that the log takes. Everything that a client must not say about itself
 * (sender, device, rights, digest, vouchers, further steps) is given here and nowhere else.
 */
import type { Identity } from '@roomlog/domain'
import { type CommandValue, type WireError, wireError } from '@roomlog/protocol'
import { type CommandDraft, identifierFault, isReservedRoom } from '@roomlog/protocol/operations'
import { derivedRoom, digestOf, mintedRoom } from './digest.js'
import { identityOf, type Principal } from './principal.js'
import { hasScope, rightsFor } from './rights.js'

export interface ComposeOptions {
  /** The deployment's: derives room IDs. */
  secret: string
  /** Bytes of one event's content. */
  eventBytes: number
  /** Who the event's sender is, where the door may name somebody else (the Kafka door). */
  sender?: Identity
}

/** The command, or why there is none. `room` of the draft is no alias any more. */
export function compose(principal: Principal, draft: CommandDraft, options: ComposeOptions): CommandValue | WireError {
  const refusal = refused(principal, draft, options)
  if (refusal) return refusal
  const room = draft.room ?? newRoom(principal, draft, options.secret)
  return {
    ...draft,
    room,
    sender: options.sender ?? identityOf(principal),
    device: principal.device,
    rights: rightsFor(principal, room),
    ...(draft.actionId !== undefined && { digest: digestOf(draft) }),
  }
}

export function isCommand(result: CommandValue | WireError): result is CommandValue {
  return 'room' in result
}

function refused(principal: Principal, draft: CommandDraft, options: ComposeOptions): WireError | undefined {
  if (principal.anonymous) return wireError('unauthenticated', 'only reading is possible without a token')
  if (Buffer.byteLength(draft.content) > options.eventBytes) {
    return wireError('too_large', `content is at most ${options.eventBytes} bytes`, { field: 'content' })
  }
  return refusedNumbers(draft) ?? refusedScopes(principal, draft) ?? refusedRoom(principal, draft)
}

function refusedNumbers({ actionId, prevActionId, idempotencyKey }: CommandDraft): WireError | undefined {
  if (prevActionId !== undefined && actionId === undefined)
    return wireError('invalid', 'prevActionId needs an actionId', { field: 'prevActionId' })
  if (prevActionId !== undefined && actionId !== undefined && prevActionId >= actionId) {
    return wireError('invalid', 'prevActionId is below actionId', { field: 'prevActionId' })
  }
  if (idempotencyKey !== undefined && actionId !== undefined) {
    return wireError('invalid', 'an action has an actionId or an idempotencyKey', { field: 'idempotencyKey' })
  }
  return undefined
}

function refusedScopes(principal: Principal, draft: CommandDraft): WireError | undefined {
  if (draft.onBehalfOf !== undefined && !hasScope(principal, 'impersonate')) {
    return wireError('forbidden', 'onBehalfOf needs the scope impersonate', { field: 'onBehalfOf' })
  }
  if (hasScope(principal, 'publish')) return undefined
  for (const field of ['idempotencyKey', 'follows', 'channels'] as const) {
    if (draft[field] !== undefined) return wireError('forbidden', `${field} needs the scope publish`, { field })
  }
  return undefined
}

function refusedRoom(principal: Principal, { type, room, onBehalfOf }: CommandDraft): WireError | undefined {
  if (room === undefined) return undefined
  const fault = identifierFault(room)
  if (fault) return wireError('invalid', `room ${fault}`, { field: 'room' })
  if (type === 'room.create') {
    if (isReservedRoom(room))
      return wireError('invalid', 'IDs that begin with @, # or system. are given by the deployment', { field: 'room' })
    const allowed = hasScope(principal, 'publish') || rightsFor(principal, room).admin
    return allowed ? undefined : wireError('forbidden', 'a chosen room ID needs the scope publish or a grant admin', { field: 'room' })
  }
  if (room.startsWith('#')) return wireError('not_found')
  if (room.startsWith('@')) {
    const own = room === `@${onBehalfOf ?? principal.user}`
    return own || hasScope(principal, 'publish') ? undefined : wireError('forbidden', 'this inbox is not yours', { field: 'room' })
  }
  if (room.startsWith('system.') && !hasScope(principal, 'publish')) {
    return wireError('forbidden', 'system events need the scope publish', { field: 'room' })
  }
  return undefined
}

function newRoom(principal: Principal, { actionId, onBehalfOf }: CommandDraft, secret: string): string {
  return actionId === undefined ? mintedRoom() : derivedRoom(secret, onBehalfOf ?? principal.user, principal.device, actionId)
}
