import { powerLevels, powerOf, type RawJson, stateKey } from '@roomlog/domain'
import { StateEntry } from './entities.js'
import type { Source } from './source.js'

/** Each user's power in a room, by the domain's own rule. */
export async function powersOf(source: Source, room: string): Promise<(user: string) => number> {
  const entry = await source.getRepository(StateEntry).findOneBy({ room, type: 'room.power', key: '' })
  return powersFrom(entry?.content)
}

/** From the content of `room.power`. */
export function powersFrom(content: RawJson | undefined | null): (user: string) => number {
  const entry = content ? { content, seq: 0, event: '' } : undefined
  const key = stateKey('room.power', '')
  const levels = powerLevels({ get: (asked) => (asked === key ? entry : undefined), keys: () => [] })
  return (user) => powerOf(levels, user)
}
