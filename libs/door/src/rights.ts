import type { Rights } from '@roomlog/domain'
import type { Principal, Scope } from './principal.js'

/**
 * What the token grants in this room: the patterns are matched here, at the door, and the authority judges the result.
 * A pattern is exact, or a prefix where it ends in `*`.
 */
export function rightsFor(principal: Principal, room: string): Rights {
  const rights: Rights = {}
  for (const [pattern, granted] of principal.grants) {
    if (matches(pattern, room)) for (const right of granted) rights[right] = true
  }
  if (principal.scopes.length > 0) rights.scopes = [...principal.scopes]
  if (principal.service !== undefined) rights.service = principal.service
  return rights
}

/** Whether the token lets its bearer read the room as if it were the world's. */
export function readsByToken(principal: Principal, room: string): boolean {
  const { read, admin, logs, scopes = [] } = rightsFor(principal, room)
  return read === true || admin === true || (logs === true && room.endsWith('_logs')) || scopes.includes('read') || scopes.includes('admin')
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope)
}

function matches(pattern: string, room: string): boolean {
  return pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : pattern === room
}
