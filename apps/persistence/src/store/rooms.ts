import { In } from 'typeorm'
import { Alias, Room } from './entities.js'
import type { Source } from './source.js'

export async function roomRow(source: Source, room: string): Promise<Room | undefined> {
  return (await source.getRepository(Room).findOneBy({ room })) ?? undefined
}

/** The aliases of each of the rooms, in order. */
export async function aliasesOf(source: Source, rooms: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await source.getRepository(Alias).find({ where: { room: In([...rooms]) }, order: { alias: 'asc' } })
  const aliases = new Map<string, string[]>()
  for (const { alias, room } of rows) aliases.set(room!, [...(aliases.get(room!) ?? []), alias])
  return aliases
}
