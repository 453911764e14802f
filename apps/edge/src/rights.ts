import { grantsReading } from '@roomlog/domain'
import { hasScope, type Principal, rightsFor } from '@roomlog/door'

/** Whether a token lets its user read the room as if it were the world's. Nobody else reads an inbox, whatever their token says. */
export function readsByRight(principal: Principal, room: string): boolean {
  if (room.startsWith('@')) return false
  if (hasScope(principal, 'read') || hasScope(principal, 'admin')) return true
  return grantsReading(room, rightsFor(principal, room))
}

/** Whether a token lets its user publish messages in a room that they are no member of. */
export function speaksByRight(principal: Principal, room: string): boolean {
  const { write, admin, scopes = [] } = rightsFor(principal, room)
  return write === true || admin === true || scopes.includes('publish')
}
