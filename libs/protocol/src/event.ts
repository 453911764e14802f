/**
 * Events as records: the value of `room.events` and `user.events` is exactly the JSON that clients receive.
 */
import type { Action, Identity, RawJson, RoomEvent } from '@roomlog/domain'
import type { Headers } from './headers.js'
import { parseEnvelope } from './json.js'

/** The members between `at` and `content`, in the order in which they are written. */
export const eventOptionals = ['user', 'key', 'ref', 'follows', 'thread', 'mentions', 'onBehalfOf', 'by', 'channels', 'readers'] as const

/** The event's JSON, with `content` and `prev` as they stand. What headers carry (device, action, origin, erases) is left out. */
export function encodeEvent(event: RoomEvent): string {
  let text = `{"id":"${event.id}","room":${JSON.stringify(event.room)},"seq":${event.seq},"type":${JSON.stringify(event.type)},"sender":${identity(event.sender)},"at":${event.at}`
  for (const name of eventOptionals) {
    const value = event[name]
    if (value !== undefined) text += `,"${name}":${JSON.stringify(value)}`
  }
  text += `,"content":${event.content}`
  if (event.prev !== undefined) text += `,"prev":${event.prev}`
  return `${text}}`
}

/**
 * The event of a record's value; `content` and `prev` stay text. Unknown members of later versions are kept.
 * @throws Error if the value is no event: the record is damaged, or is a mark.
 */
export function decodeEvent(value: Uint8Array | string): RoomEvent {
  const parsed = parseEnvelope(value, eventForm)
  if ('invalid' in parsed) throw new Error(`not an event: ${parsed.invalid}`)
  const event = parsed.ok as unknown as RoomEvent
  if (typeof event.id !== 'string' || typeof event.seq !== 'number' || typeof event.content !== 'string') throw new Error('not an event')
  return event
}

/** The whole event of a record: `decodeEvent`, and what its headers add. */
export function decodeRecord(record: { value: Uint8Array | string | null; headers: Headers }): RoomEvent {
  if (record.value === null) throw new Error('not an event: no value')
  const event = decodeEvent(record.value)
  const { device, action, origin, erases, paced } = record.headers
  if (device !== undefined) event.device = device
  if (action !== undefined) event.action = JSON.parse(action) as Action
  if (origin !== undefined) event.origin = origin
  if (erases !== undefined) event.erases = Number(erases)
  if (paced !== undefined) event.pacedUntil = Number(paced)
  return event
}

const eventForm = { raw: ['content', 'prev'], depthMax: 4096, keysMax: 4096 }

/** Members in one order, so that equal identities are equal bytes. */
function identity(sender: Identity): RawJson {
  let text = `{"id":${JSON.stringify(sender.id)}`
  if (sender.name !== undefined) text += `,"name":${JSON.stringify(sender.name)}`
  if (sender.avatar !== undefined) text += `,"avatar":${JSON.stringify(sender.avatar)}`
  return `${text}}`
}
