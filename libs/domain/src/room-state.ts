/** The state that the domain owns: which types, under which key, with what content. All other state is the app's. */
import { contentOf, isObject, type JsonObject } from './content.js'
import { stateKey } from './entry-key.js'
import { checkList } from './envelope.js'
import type { DomainLimits } from './limits.js'
import { type Refusal, refuse } from './refusal.js'
import type { RoomState } from './state.js'
import type { StateEntry } from './state-event.js'

export const accessModes = ['public', 'limited', 'knock', 'restricted'] as const
export const historyModes = ['world', 'shared', 'invited', 'joined'] as const
export type HistoryMode = (typeof historyModes)[number]

/** The key under which a type of the domain's stands: one ("") or several. */
const keyed: Readonly<Record<string, 'one' | 'many'>> = {
  'room.name': 'one',
  'room.topic': 'one',
  'room.avatar': 'one',
  'room.access': 'one',
  'room.history': 'one',
  'room.listed': 'one',
  'room.power': 'one',
  'room.mode': 'one',
  'room.alias': 'many',
  'room.mute': 'many',
}

/** Types that are state whether or not the command names a key. */
export const isRoomState = (type: string): boolean => Object.hasOwn(keyed, type)

/** What a room cannot do without is never gone. */
const lasting = new Set(['room.access', 'room.history', 'room.power'])

export function checkRoomKey(type: string, key: string): Refusal | undefined {
  if ((keyed[type] === 'one') === (key === '')) return undefined
  return refuse('invalid', keyed[type] === 'one' ? `${type} has the key ""` : `${type} needs a key`, { field: 'key' })
}

/** The `value` of the room's own state of this type, such as `room.access`. */
export function settingOf(state: RoomState, type: string): unknown {
  return contentOf(state.get(stateKey(type, '')) as StateEntry | undefined)?.value
}

/** The refusal of a content; `null` = gone. The numbers of `room.power` are judged in `power.ts`. */
export function checkRoomState(type: string, content: JsonObject | null, limits: DomainLimits): Refusal | undefined {
  if (content === null) return lasting.has(type) ? refuse('invalid', `${type} cannot be gone`, { field: 'content' }) : undefined
  const wrong = wrongIn(type, content)
  if (wrong) return refuse('invalid', `${type}: ${wrong}`, { field: 'content' })
  if (type === 'room.access' && content.rooms !== undefined) return checkList(content.rooms, 'content.rooms', limits.accessRoomsMax, limits)
  return undefined
}

/** What was said in an encrypted room must never be taken for text: encryption is switched on once. */
export function checkEncryption(state: RoomState, content: JsonObject | null): Refusal | undefined {
  const before = contentOf(state.get(stateKey('room.mode', '')) as StateEntry | undefined)
  if (before?.encrypted !== true || content?.encrypted === true) return undefined
  return refuse('invalid', 'room.mode: encryption is not switched off', { field: 'content' })
}

function wrongIn(type: string, content: JsonObject): string | undefined {
  const { value } = content
  switch (type) {
    case 'room.name':
    case 'room.topic':
    case 'room.avatar':
      return typeof value === 'string' ? undefined : 'value must be a text'
    case 'room.access':
      return wrongAccess(content)
    case 'room.history':
      return isOneOf(historyModes, value) ? undefined : `value must be one of ${historyModes.join(', ')}`
    case 'room.listed':
      return typeof value === 'boolean' ? undefined : 'value must be true or false'
    case 'room.mode':
      return wrongMode(content)
    case 'room.mute':
      return isTime(content.until) ? undefined : 'until must be a time'
    default:
      return isObject(content) ? undefined : 'must be an object'
  }
}

function wrongAccess({ value, rooms }: JsonObject): string | undefined {
  if (!isOneOf(accessModes, value)) return `value must be one of ${accessModes.join(', ')}`
  if (value !== 'restricted') return rooms === undefined ? undefined : 'rooms are for restricted'
  return Array.isArray(rooms) && rooms.length > 0 ? undefined : 'restricted names rooms'
}

function wrongMode({ slowModeMs, frozen, receipts, encrypted }: JsonObject): string | undefined {
  if (!isTime(slowModeMs)) return 'slowModeMs must be milliseconds'
  const isSwitch = (value: unknown) => value === undefined || typeof value === 'boolean'
  return [frozen, receipts, encrypted].every(isSwitch) ? undefined : 'frozen, receipts and encrypted are true or false'
}

const isTime = (value: unknown) => value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)
const isOneOf = (values: readonly string[], value: unknown) => values.includes(value as string)
