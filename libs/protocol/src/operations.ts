/**
 * The one operation table. HTTP routes, WebSocket operations, OpenAPI, AsyncAPI and the SDK's types derive from it.
 */
import { commandOperations } from './operations/commands.js'
import { liveOperations } from './operations/live.js'
import type { Operation } from './operations/operation.js'
import { readOperations } from './operations/reads.js'

export { aliasName } from './operations/commands.js'
export * from './operations/identifiers.js'
export * from './operations/operation.js'
export * as schemas from './operations/schemas.js'

export const operations: readonly Operation[] = [...commandOperations, ...readOperations, ...liveOperations]

const byName = new Map(operations.map((operation) => [operation.name, operation]))

/** @throws Error for a name that is not in the table: a bug. */
export function operation(name: string): Operation {
  const found = byName.get(name)
  if (!found) throw new Error(`no operation ${name}`)
  return found
}

const byType = new Map(commandOperations.flatMap((of) => (of.does ?? []).map((type) => [type, of] as const)))

/** The operation that a `do` of this type means; undefined for types that no client may send. */
export function operationOfType(type: string): Operation | undefined {
  const found = byType.get(type)
  if (found) return found
  return isOwnType(type) ? undefined : operation('publish')
}

const byOp = new Map(readOperations.flatMap((of) => (of.op ? [[of.op, of] as const] : [])))

/** The read that an `op` of the WebSocket means. */
export const readOfOp = (op: string): Operation | undefined => byOp.get(op)

const liveByOp = new Map(liveOperations.flatMap((of) => (of.op ? [[of.op, of] as const] : [])))

/** What an edge serves itself under this `op`. */
export const liveOfOp = (op: string): Operation | undefined => liveByOp.get(op)

/** Types that only the authority gives, or that are operations of their own. */
const ownTypes = new Set([
  'room.create',
  'room.created',
  'room.delete',
  'room.deleted',
  'room.joined',
  'room.left',
  'room.invited',
  'room.followed',
  'room.marker',
  'profile.set',
  'profile.changed',
  'time.passed',
  'user.erased',
])

export function isOwnType(type: string): boolean {
  return ownTypes.has(type) || type.startsWith('member.') || type.startsWith('alias.')
}
