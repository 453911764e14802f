import type { MarkedEvent, MarkerQuestion, Principal } from '@roomlog/door'
import { eventId } from '@roomlog/log'
import { readAccess } from '../store/access.js'
import { eventAt, findEvent } from '../store/find.js'
import type { Reading } from './read.js'
import { viewOf } from './view.js'

/** Where a user's marker goes: to the event named, or to the last that they may see; undefined where they may see none such. */
export async function markedEvent(
  { dataSource, partitions }: Pick<Reading, 'dataSource' | 'partitions'>,
  { room, user, event, reads }: MarkerQuestion,
): Promise<MarkedEvent | undefined> {
  const access = await readAccess(dataSource, room, user, partitions)
  if (!access.exists || access.deleted) return undefined
  const { visible, timeline } = viewOf(room, access, reader(user, room, reads))
  const last = visible.at(-1)?.[1]
  const found = event === undefined ? last && (await eventAt(dataSource, room, last)) : await findEvent(dataSource, event)
  if (!found || found.room !== room || !timeline.maySee(found.seq)) return undefined
  return { event: eventId({ partition: found.partition, offset: found.offset, check: found.proof }), seq: found.seq }
}

/** As whom the door has found the token's bearer. */
function reader(user: string, room: string, reads: boolean): Principal {
  return { user, device: '', expiresAt: 0, scopes: [], grants: reads ? [[room, ['read']]] : [], teams: [] }
}
