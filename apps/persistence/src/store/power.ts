import { powerLevels, powerOf, stateKey } from '@roomlog/domain'
import type { DataSource } from 'typeorm'
import { StateEntry } from './entities.js'

/** Each user's power in a room, by the domain's own rule. */
export async function powersOf(dataSource: DataSource, room: string): Promise<(user: string) => number> {
  const entry = await dataSource.getRepository(StateEntry).findOneBy({ room, type: 'room.power', key: '' })
  const key = stateKey('room.power', '')
  const levels = powerLevels({ get: (asked) => (asked === key ? (entry ?? undefined) : undefined), keys: () => [] })
  return (user) => powerOf(levels, user)
}
