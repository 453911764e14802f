import { type DataSource, In } from 'typeorm'
import { Alias, Room } from './entities.js'

export async function roomRow(dataSource: DataSource, room: string): Promise<Room | undefined> {
  return (await dataSource.getRepository(Room).findOneBy({ room })) ?? undefined
}

/** The aliases of each of the rooms, in order. */
export async function aliasesOf(dataSource: DataSource, rooms: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await dataSource.getRepository(Alias).find({ where: { room: In([...rooms]) }, order: { alias: 'asc' } })
  const aliases = new Map<string, string[]>()
  for (const { alias, room } of rows) aliases.set(room!, [...(aliases.get(room!) ?? []), alias])
  return aliases
}
