/**
 * Keys of `<family>.state`: room, number of chunks, which of them, and the owner who writes it (the offset of its mark).
 *
 * The owner is part of the key because a compacted topic has no compare-and-append: a paused former owner that writes, or
 * removes, late must not touch what its successor wrote. So nobody ever writes under another's key, and a key is removed only
 * by one whose own complete set of that room is acknowledged: at every moment the topic holds a complete set of every room.
 */
export interface ChunkKey {
  room: string
  chunks: number
  index: number
  owner: number
}

export function chunkKey({ room, chunks, index, owner }: ChunkKey): string {
  return `${room}\u0000${chunks}\u0000${index}\u0000${owner}`
}

export function parseChunkKey(key: string): ChunkKey {
  const [room, chunks, index, owner] = key.split('\u0000') as [string, string, string, string]
  return { room, chunks: Number(chunks), index: Number(index), owner: Number(owner) }
}

export function chunkKeys(room: string, chunks: number, owner: number): string[] {
  return Array.from({ length: chunks }, (_, index) => chunkKey({ room, chunks, index, owner }))
}
