import { aliasName } from '@roomlog/protocol/operations'
import { Alias } from '../store/entities.js'
import { type Answer, isRefused, jsonWith, notFound, type Reading } from './read.js'
import { viewRoom } from './view.js'

/** The room of an alias, for whoever may know that there is such a room; other services may always know. */
export async function alias(reading: Reading & { internal?: boolean }): Promise<Answer> {
  const name = aliasName(reading.input.alias)
  if (reading.internal) {
    const row = await reading.dataSource.getRepository(Alias).findOneBy({ alias: name })
    return row?.room ? jsonWith({ alias: name, room: row.room }) : notFound()
  }
  const view = await viewRoom({ ...reading, input: { room: `#${name}` } }, 'room')
  return isRefused(view) ? view : jsonWith({ alias: name, room: view.room })
}
