/**
 * A room's state is a set of entries under string keys. `evolve` computes each entry from that entry and the
 * event alone, so a checkpoint may be written and replayed entry by entry.
 *
 * Entry keys: `room` · `member:<user>` · `state:<type>:<key>` · `device:<user>:<device>` · `origins` · `keys` …
 * (the domain owns the list; the shell treats keys and values as opaque JSON).
 */
export type EntryKey = string
/** Any JSON value; immutable: `evolveEntry` returns a new one. */
export type Entry = unknown

/** Read access to the entries of one room. The authority gives its overlay, a test a Map. */
export interface RoomState {
  get(key: EntryKey): Entry | undefined
  /** Entry keys with the prefix, in no particular order; only for rare commands (members of a room). */
  keys(prefix: string): Iterable<EntryKey>
}
