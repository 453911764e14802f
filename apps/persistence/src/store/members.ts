import { Member } from './entities.js'
import type { Source } from './source.js'

export interface MembersQuery {
  room: string
  memberships: readonly string[]
  /** User ID; exclusive. */
  after?: string
  /** Part of a name or an ID. */
  search?: string
  limit: number
}

export async function membersPage(source: Source, { room, memberships, after, search, limit }: MembersQuery): Promise<Member[]> {
  const query = source
    .getRepository(Member)
    .createQueryBuilder('m')
    .where('m.room = :room and m.membership in (:...memberships)', { room, memberships: [...memberships] })
  if (after !== undefined) query.andWhere('m.user_id > :after', { after })
  if (search) query.andWhere('(m.user_id ilike :like or m.name ilike :like)', { like: contains(search) })
  return query.orderBy('m.user', 'ASC').limit(limit).getMany()
}

/** A pattern that matches texts with `part` in them. */
export function contains(part: string): string {
  return `%${part.replace(/[\\%_]/g, (character) => `\\${character}`)}%`
}
