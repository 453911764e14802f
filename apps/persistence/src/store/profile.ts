import { Profile } from './entities.js'
import type { Source } from './source.js'

export async function profileOf(source: Source, user: string): Promise<{ name: string | null; avatar: string | null } | undefined> {
  const set = await source.getRepository(Profile).findOneBy({ user })
  if (set) return set
  const [member] = (await source.query('select name, avatar from members where user_id = $1 order by name is null, room limit 1', [
    user,
  ])) as { name: string | null; avatar: string | null }[]
  return member
}
