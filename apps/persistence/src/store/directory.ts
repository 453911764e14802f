import { Room } from './entities.js'
import { contains } from './members.js'
import type { Source } from './source.js'

export interface DirectoryQuery {
  /** Part of a name, topic or alias. */
  search?: string
  /** Exclusive. */
  after?: { joined: number; room: string }
  limit: number
}

export async function listedRooms(source: Source, { search, after, limit }: DirectoryQuery): Promise<Room[]> {
  const query = source.getRepository(Room).createQueryBuilder('r').where('r.listed and r.deleted_seq is null')
  if (after) query.andWhere('(r.joined < :joined or (r.joined = :joined and r.room > :room))', after)
  if (search) {
    const found =
      '(r.name ilike :like or r.topic_text ilike :like or exists (select 1 from aliases a where a.room = r.room and a.alias ilike :like))'
    query.andWhere(found, { like: contains(search) })
  }
  return query.orderBy('r.joined', 'DESC').addOrderBy('r.room', 'ASC').limit(limit).getMany()
}
