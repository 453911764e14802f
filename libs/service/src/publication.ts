/** What an internal service may publish: a record of `ingest.events`. */
import type { RawJson } from '@roomlog/domain'

interface Envelope {
  type: string
  /** Any JSON value; `raw` instead where the bytes must stay as they are. */
  content?: unknown
  raw?: RawJson
  key?: string
  ref?: string
  thread?: string
  follows?: string
  mentions?: string[]
  ifSeq?: number
  /** A repeat with the same key in the same room is one event. */
  idempotencyKey?: string
  /** Somebody else than the service itself. */
  sender?: string | { id: string; name?: string; avatar?: string }
  onBehalfOf?: string
}

export interface RoomPublication extends Envelope {
  room: string
}

/** A system event: an event of `system.<area>` under channels, for the readers it names. */
export interface SystemPublication extends Omit<Envelope, 'key' | 'ifSeq' | 'thread' | 'mentions'> {
  channels: string[]
  readers: string[]
}

export type Publication = RoomPublication | SystemPublication

/** What was appended. */
export interface Published {
  event: string
  room: string
  seq: number
  position: string
}

export function recordOf(publication: Publication, service: string): { key: string; value: string; headers: Record<string, string> } {
  const { content, raw, ...envelope } = publication
  const text = raw ?? JSON.stringify(content ?? {})
  const head = JSON.stringify(envelope)
  const key = 'room' in publication ? publication.room : `system.${publication.type.split('.', 1)[0]}`
  return { key, value: `${head.slice(0, -1)},"content":${text}}`, headers: { 'roomlog-service': service } }
}
