/**
 * The committed state of one room: entries under keys, in `n` chunks (a power of two), because a checkpoint writes a room
 * in records of bounded size. An entry lives in the chunk that its key's hash names. A restored chunk stays text until
 * somebody asks for one of its entries: most rooms of a partition are quiet.
 */
import type { Entry, EntryKey, RoomState } from '@roomlog/domain'

export class Room implements RoomState {
  /** Offset of the event on which `evolve` threw: the room takes nothing more, its partition goes on. */
  stoppedAt?: number

  constructor(
    readonly name: string,
    public chunks: Chunk[] = [new Chunk()],
    /** Keys of its records in `<family>.state`, and the owner who wrote them; none = never written. */
    public stored: { owner: number; keys: string[] } = { owner: -1, keys: [] },
  ) {}

  get(key: EntryKey): Entry | undefined {
    return this.chunkOf(key).entries().get(key)
  }

  *keys(prefix: string): Iterable<EntryKey> {
    for (const chunk of this.chunks) {
      for (const key of chunk.entries().keys()) if (key.startsWith(prefix)) yield key
    }
  }

  /** `undefined` removes the entry. */
  set(key: EntryKey, entry: Entry | undefined): void {
    this.chunkOf(key).set(key, entry)
  }

  /** Whether a restored checkpoint already holds what the event at `offset` does to this entry. */
  covers(key: EntryKey, offset: number): boolean {
    return this.chunkOf(key).through > offset
  }

  /** Twice as many chunks, all to be written. */
  double(): void {
    const entries = this.chunks.flatMap((chunk) => [...chunk.entries()])
    const through = Math.max(...this.chunks.map((chunk) => chunk.through))
    this.chunks = Array.from({ length: this.chunks.length * 2 }, () => new Chunk(undefined, through))
    for (const [key, entry] of entries) this.set(key, entry)
    for (const chunk of this.chunks) chunk.dirty = true
  }

  private chunkOf(key: EntryKey): Chunk {
    return this.chunks.length === 1 ? this.chunks[0]! : this.chunks[hash(key) & (this.chunks.length - 1)]!
  }
}

export class Chunk {
  /** Changed since it was last written. */
  dirty = false
  private map?: Map<EntryKey, Entry>

  /** @param text a restored chunk's JSON @param through the offset that all its entries, also absent ones, are folded to */
  constructor(
    private text?: Buffer,
    public through = 0,
  ) {
    if (!text) this.map = new Map()
  }

  entries(): Map<EntryKey, Entry> {
    if (!this.map) {
      this.map = new Map(Object.entries(JSON.parse(this.text!.toString()) as Record<EntryKey, Entry>))
      this.text = undefined
    }
    return this.map
  }

  set(key: EntryKey, entry: Entry | undefined): void {
    if (entry === undefined) this.entries().delete(key)
    else this.entries().set(key, entry)
    this.dirty = true
  }

  written(through: number): void {
    this.dirty = false
    this.through = through
  }

  encode(): Buffer {
    return this.text ?? Buffer.from(JSON.stringify(Object.fromEntries(this.entries())))
  }
}

/** FNV-1a over UTF-16 units. Part of the format of `<family>.state`: an entry is looked for where its key's hash says. */
export function hash(key: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  return (h ^ (h >>> 15)) >>> 0
}
