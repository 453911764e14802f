/**
 * Event IDs and positions.
 *
 * An event ID is `<partition>-<offset>-<check>`: an event is found in the log from its ID alone. The check binds the ID to
 * the log's incarnation, the room, the sender, the time and the command that caused it, so that an ID of another log,
 * or an invented one, is noticed. A position is `<epoch>.<partition>.<offset>.<seq>.<check>`: the same for everybody.
 */
import { hash } from 'node:crypto'

export interface EventPlace {
  partition: number
  offset: number
  /** 8 characters, base64url. */
  check: string
}

export interface Position extends EventPlace {
  /** 8 characters: short hash of (topic ID, incarnation). */
  epoch: string
  seq: number
}

const eventIdForm = /^(\d{1,6})-(\d{1,15})-([A-Za-z0-9_-]{8})$/
const positionForm = /^([A-Za-z0-9_-]{8})\.(\d{1,6})\.(\d{1,15})\.(\d{1,15})\.([A-Za-z0-9_-]{8})$/

export function eventId(place: EventPlace): string {
  return `${place.partition}-${place.offset}-${place.check}`
}

export function parseEventId(id: string): EventPlace | undefined {
  const match = eventIdForm.exec(id)
  return match ? { partition: Number(match[1]), offset: Number(match[2]), check: match[3]! } : undefined
}

export function position(place: Position): string {
  return `${place.epoch}.${place.partition}.${place.offset}.${place.seq}.${place.check}`
}

export function parsePosition(text: string): Position | undefined {
  const match = positionForm.exec(text)
  if (!match) return undefined
  return { epoch: match[1]!, partition: Number(match[2]), offset: Number(match[3]), seq: Number(match[4]), check: match[5]! }
}

/** The check of an event ID. `incarnation` is the log's; `commandOffset` that of the command that caused it, `index` among its events. */
export function eventCheck(of: {
  incarnation: string
  room: string
  sender: string
  at: number
  commandOffset: number
  index: number
}): string {
  return short(`${of.incarnation}\n${of.room}\n${of.sender}\n${of.at}\n${of.commandOffset}\n${of.index}`)
}

/** The epoch of a partition, from the topic's ID and the incarnation that its last incarnation mark names. */
export function epochOf(topicId: string, incarnation: string): string {
  return short(`${topicId}\n${incarnation}`)
}

/** A short check of a record's value, so that another log is not taken for this one. */
export function recordCheck(value: Buffer | string | null): string {
  return short(value ?? '')
}

function short(text: string | Buffer): string {
  return hash('sha256', text, 'base64url').slice(0, 8)
}
