/** What a room's ID says: `@<user>` is an inbox, `#<alias>` an alias, `system.<area>` a system area; all others are rooms. */
export type RoomKind = 'room' | 'inbox' | 'alias' | 'system'

export function roomKind(room: string): RoomKind {
  if (room.startsWith('@')) return 'inbox'
  if (room.startsWith('#')) return 'alias'
  return room.startsWith('system.') ? 'system' : 'room'
}

export const inboxOf = (user: string): string => `@${user}`
export const aliasRoom = (alias: string): string => `#${alias}`
