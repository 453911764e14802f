/**
 * A room as it was: the fold, by the domain's own rules, of what its events had said up to a `seq`. Messages are passed over, so
 * slow mode and reactions are not part of it.
 */
import { type Entry, type EntryKey, evolveEntry, type RoomState, touches } from '@roomlog/domain'
import { decodeEvent } from '@roomlog/protocol'
import type { HistoryEvent } from './history.js'
import type { Source } from './source.js'

/** Facts of one room that a fold reads; a room with more of them has no past that could be asked for. */
export const pastEventsMax = 200_000

export class Past implements RoomState {
  /** By `seq`: the events that were folded. */
  readonly events = new Map<number, HistoryEvent>()
  private readonly entries = new Map<EntryKey, Entry>()

  get(key: EntryKey): Entry | undefined {
    return this.entries.get(key)
  }

  *keys(prefix: string): Iterable<EntryKey> {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) yield key
  }

  fold(stored: HistoryEvent): void {
    const event = decodeEvent(stored.value)
    for (const key of touches(event)) this.entries.set(key, evolveEntry(key, this.entries.get(key), event))
    this.events.set(stored.seq, stored)
  }
}

/** Undefined = there is too much of it. */
export async function pastOf(source: Source, room: string, seq: number): Promise<Past | undefined> {
  const rows = (await source.query(sql, [room, seq, pastEventsMax + 1])) as HistoryEvent[]
  if (rows.length > pastEventsMax) return undefined
  const past = new Past()
  for (const row of rows) past.fold(row)
  return past
}

const sql = `
  select seq, place, partition, "offset", proof, type, sender, device, action, value from events
  where room = $1 and seq <= $2 and (key is not null or type like 'member.%' or type like 'room.%') order by seq limit $3`
