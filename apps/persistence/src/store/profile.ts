import type { DataSource } from 'typeorm'
import { Profile } from './entities.js'

export async function profileOf(dataSource: DataSource, user: string): Promise<{ name: string | null; avatar: string | null } | undefined> {
  const set = await dataSource.getRepository(Profile).findOneBy({ user })
  if (set) return set
  const [member] = (await dataSource.query('select name, avatar from members where user_id = $1 order by name is null, room limit 1', [
    user,
  ])) as { name: string | null; avatar: string | null }[]
  return member
}
