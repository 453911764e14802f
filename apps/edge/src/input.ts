/** Checks the members of a session's own operations; the others are checked by the operation table behind them. */

import { parseComposite, parsePosition } from '@roomlog/log'
import { type Filter, type WireError, wireError } from '@roomlog/protocol'
import { identifierFault } from '@roomlog/protocol/operations'
import type { SubscribeInput } from './subscriptions.js'
import type { SyncInput } from './sync.js'

type Envelope = Record<string, unknown>

/** The frame's `id`, to be given back as it is: a number or a short string. */
export function idOf(frame: Envelope): number | string | undefined {
  const { id } = frame
  if (typeof id === 'number' && Number.isFinite(id)) return id
  return typeof id === 'string' && id.length <= idLengthMax ? id : undefined
}

export function subscribeInput(frame: Envelope): SubscribeInput | WireError {
  const { room, from, last, filter } = frame
  if (typeof room !== 'string') return invalid('room', 'must be a room ID')
  const fault = identifierFault(room)
  if (fault) return invalid('room', fault)
  if (from !== undefined && !isCount(from)) return invalid('from', 'must be a seq, from 1 on')
  if (last !== undefined && !isCount(last)) return invalid('last', 'must be a number of events')
  const position = Array.isArray(frame.position) ? frame.position.at(-1) : frame.position
  if (position !== undefined && (typeof position !== 'string' || !parsePosition(position))) return invalid('position', 'not a position')
  if ([from, last, position].filter((start) => start !== undefined).length > 1) return invalid('position', 'one of position, from and last')
  const wanted = filterInput(filter)
  if (wanted && 'code' in wanted) return wanted
  return { room, from: from as number, last: last as number, position, filter: wanted }
}

export function syncInput(frame: Envelope): SyncInput | WireError {
  const { position, filter } = frame
  const positions = position === undefined ? [] : Array.isArray(position) ? position : [position]
  if (positions.length > positionsMax || !positions.every((text) => typeof text === 'string' && text.length <= positionLengthMax))
    return invalid('position', 'must be a position, or a list of them')
  const orReset = frame.unknown === 'reset'
  if (positions.length > 0 && !orReset && !parseComposite(positions[0]))
    return invalid('position', 'a sync begins with the position of a sync')
  const wanted = filterInput(filter)
  if (wanted && 'code' in wanted) return wanted
  return { positions, orReset, filter: wanted }
}

export function filterInput(filter: unknown): Filter | WireError | undefined {
  if (filter === undefined) return undefined
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) return invalid('filter', 'must be an object')
  for (const [name, value] of Object.entries(filter)) {
    const form = filterForms[name]
    if (!form) return invalid(`filter.${name}`, 'is not known here')
    if (!form(value)) return invalid(`filter.${name}`, 'is not as it must be')
  }
  return filter as Filter
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1
const isSwitch = (value: unknown) => typeof value === 'boolean'
const isNames = (max: number) => (value: unknown) =>
  Array.isArray(value) &&
  value.length <= max &&
  value.every((name) => typeof name === 'string' && name.length > 0 && name.length <= nameLengthMax)

const filterForms: Record<string, (value: unknown) => boolean> = {
  types: isNames(100),
  rooms: isNames(1_000),
  senders: isNames(1_000),
  users: isNames(1_000),
  outOfOrder: isSwitch,
  full: isSwitch,
}

const invalid = (field: string, message: string) => wireError('invalid', `${field} ${message}`, { field })
const idLengthMax = 64
const positionsMax = 1_001
const positionLengthMax = 16_384
const nameLengthMax = 255
