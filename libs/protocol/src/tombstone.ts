/**
 * What a deleted event leaves, everywhere: history, replay, search, rings. One function, so that the same deletion gives the
 * same bytes from PostgreSQL and from an edge's ring.
 */
import type { RawJson, RoomEvent } from '@roomlog/domain'
import { decodeEvent, encodeEvent } from './event.js'

/** Who deleted an event, when and why; the member `deleted` of a tombstone. */
export interface Deletion {
  by: string
  at: number
  /** ID of the deleting event. */
  event: string
  reason?: string
}

/**
 * The event's JSON without its words: `content` is null, `prev` and `mentions` are gone, `deleted` says who, when and why.
 * The tombstone of a tombstone is itself: the first deletion stands.
 */
export function tombstone(value: Uint8Array | string, deletion: Deletion): string {
  const event = decodeEvent(value)
  if ('deleted' in event) return typeof value === 'string' ? value : Buffer.from(value).toString()
  const { prev: _prev, mentions: _mentions, ...rest } = event
  const { by, at, event: id, reason } = deletion
  return `${encodeEvent({ ...rest, content: 'null' }).slice(0, -1)},"deleted":${JSON.stringify({ by, at, event: id, reason })}}`
}

/** The deletion that a `msg.delete` event is. Its content is ours: `{reason?}`. */
export function deletionOf(event: Pick<RoomEvent, 'sender' | 'at' | 'id' | 'content'>): Deletion {
  return { by: event.sender.id, at: event.at, event: event.id, reason: reasonOf(event.content) }
}

function reasonOf(content: RawJson): string | undefined {
  const parsed = JSON.parse(content) as { reason?: unknown } | null
  return typeof parsed?.reason === 'string' ? parsed.reason : undefined
}
