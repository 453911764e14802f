import { wireError } from '@roomlog/protocol'
import { listedRooms } from '../store/directory.js'
import { aliasesOf } from '../store/rooms.js'
import { type Answer, jsonWith, pageLimit, type Reading } from './read.js'

/** Rooms that are listed, those with most members first; `next` is the `after` of the following page. */
export async function directory(reading: Reading): Promise<Answer> {
  const { dataSource, input } = reading
  const after = input.after === undefined ? undefined : cursorOf(input.after)
  if (after === null) return wireError('invalid', 'after is not of an earlier answer', { field: 'after' })
  const limit = pageLimit(reading)
  const rows = await listedRooms(dataSource, { search: input.search, after, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const aliases = await aliasesOf(
    dataSource,
    shown.map(({ room }) => room),
  )
  const rooms = shown.map((row) =>
    jsonWith({
      room: row.room,
      type: row.type,
      name: row.name,
      topic: row.topicText,
      avatar: row.avatar,
      access: row.access,
      history: row.history,
      aliases: aliases.get(row.room) ?? [],
      memberCount: row.joined,
    }),
  )
  const last = rows.length > limit ? shown.at(-1) : undefined
  return jsonWith({ next: last && `${last.joined}.${last.room}` }, { rooms: `[${rooms.join(',')}]` })
}

function cursorOf(text: string): { joined: number; room: string } | null {
  const match = /^(\d{1,15})\.(.{1,255})$/su.exec(text)
  return match ? { joined: Number(match[1]), room: match[2]! } : null
}
