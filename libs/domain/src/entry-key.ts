/**
 * The keys of a room's entries. The first part, up to the colon, names the kind; parts that users choose are escaped
 * where they would make two different things one key.
 */
import type { EntryKey } from './state.js'

export const roomKey: EntryKey = 'room'
export const aliasKey: EntryKey = 'alias'
export const profileKey: EntryKey = 'profile'

export const memberKey = (user: string): EntryKey => `member:${user}`
export const stateKey = (type: string, key: string): EntryKey => `state:${part(type)}:${key}`
export const stateKeysOf = (type: string): string => `state:${part(type)}:`
export const deviceKey = (user: string, device: string): EntryKey => `device:${part(user)}:${device}`
/** Never written by an event: see `action.ts`. */
export const refusedKey = (user: string, device: string): EntryKey => `refused:${part(user)}:${device}`
export const joinedKey = (room: string): EntryKey => `joined:${room}`
export const joinedKeys = 'joined:'

export function kindOf(key: EntryKey): string {
  const colon = key.indexOf(':')
  return colon < 0 ? key : key.slice(0, colon)
}

function part(text: string): string {
  return text.includes(':') || text.includes('%') ? encodeURIComponent(text) : text
}
