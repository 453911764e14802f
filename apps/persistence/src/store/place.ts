/**
 * Where history shows an event: at its own `seq`, or, out of order, at the place of the event that it follows.
 */
import { parseEventId } from '@roomlog/log'
import type { QueryRunner } from 'typeorm'
import type { ArchivedEvent } from '../slice.js'

export interface PlacedEvent extends ArchivedEvent {
  /** Place first, then `seq`: the order of history. */
  historyPlace: number
}

/** An event that follows one of this very batch, or one stored before, stands with it; one that follows nothing known, at its `seq`. */
export async function placed(runner: QueryRunner, events: readonly ArchivedEvent[]): Promise<PlacedEvent[]> {
  const followers = events.filter(({ event }) => event.follows !== undefined)
  const places = followers.length > 0 ? await storedPlaces(runner, followers) : new Map<string, number>()
  return events.map((archived) => {
    const { event } = archived
    const historyPlace = (event.follows !== undefined ? places.get(`${event.room}\n${event.follows}`) : undefined) ?? event.seq
    if (followers.length > 0) places.set(`${event.room}\n${event.id}`, historyPlace)
    return { ...archived, historyPlace }
  })
}

async function storedPlaces(runner: QueryRunner, followers: readonly ArchivedEvent[]): Promise<Map<string, number>> {
  const wanted = followers
    .map(({ event }) => ({ room: event.room, id: event.follows!, place: parseEventId(event.follows!) }))
    .filter(({ place }) => place)
  const rows = (await runner.query(
    `select u.room, u.id, e.place from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[]) as u(room, id, partition, "offset", proof)
     join events e on e.partition = u.partition and e."offset" = u."offset" and e.proof = u.proof and e.room = u.room`,
    [
      wanted.map((w) => w.room),
      wanted.map((w) => w.id),
      wanted.map((w) => w.place!.partition),
      wanted.map((w) => w.place!.offset),
      wanted.map((w) => w.place!.check),
    ],
  )) as { room: string; id: string; place: number }[]
  return new Map(rows.map((row) => [`${row.room}\n${row.id}`, row.place]))
}
