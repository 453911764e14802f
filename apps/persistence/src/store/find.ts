import { type EventPlace, parseEventId } from '@roomlog/log'
import { StoredEvent } from './entities.js'
import type { Source } from './source.js'

/** The event that an ID names. Offsets of rooms and of inboxes are not told apart by the ID, but their checks are. */
export async function findEvent(source: Source, id: string | EventPlace): Promise<StoredEvent | undefined> {
  const place = typeof id === 'string' ? parseEventId(id) : id
  if (!place) return undefined
  const { partition, offset, check } = place
  return (await source.getRepository(StoredEvent).findOneBy({ partition, offset, proof: check })) ?? undefined
}

export async function eventAt(source: Source, room: string, seq: number): Promise<StoredEvent | undefined> {
  return (await source.getRepository(StoredEvent).findOneBy({ room, seq })) ?? undefined
}
