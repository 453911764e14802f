/**
 * Where a client begins: all rooms of the user, invites, and the composite position to stream from.
 *
 * The rooms are the fold of the inbox at its position, and nothing else, because that is what the stream goes on from. The
 * inbox may be ahead of a room's partition; so the answer waits until every room named has reached its join. Everything is
 * read in one snapshot.
 */
import { compositePosition } from '@roomlog/log'
import type { DataSource } from 'typeorm'
import type { Progress } from '../progress.js'
import type { UserRoom as InboxRoom } from '../store/entities.js'
import { type Inbox, readInbox, roomPartitions } from '../store/inbox.js'
import type { Source } from '../store/source.js'
import { userRooms } from '../store/user-rooms.js'
import { waitUntil } from './reached.js'
import { type Answer, jsonWith, type Reading } from './read.js'
import { roomTexts } from './room-text.js'

/** Rooms of one answer; more are found page by page in the list of one's rooms. */
const roomsMax = 1_000

export async function initialSync(reading: Reading & { dataSource: DataSource; progress: Progress }): Promise<Answer> {
  let text: string | undefined
  const late = await waitUntil(reading, async () => {
    text = await reading.dataSource.transaction('REPEATABLE READ', (manager) => snapshot({ ...reading, dataSource: manager }))
    return text !== undefined
  })
  return late ?? text!
}

/** Undefined = not all of it is stored yet. */
async function snapshot(reading: Reading): Promise<string | undefined> {
  const { dataSource, principal } = reading
  const inbox = await readInbox(dataSource, principal.user, reading.partitions)
  if (!inbox) return undefined
  const joined = inbox.rooms.filter(({ kind }) => kind === 'joined')
  const partitions = await coveredPartitions(dataSource, joined)
  if (!partitions) return undefined
  const rows = await userRooms(dataSource, {
    user: principal.user,
    memberships: ['joined'],
    rooms: joined.map(({ room }) => room),
    limit: roomsMax,
  })
  const texts = await roomTexts(reading, rows)
  const position = compositePosition({ inbox: inbox.position, partitions, behind: [] })
  return jsonWith({ invites: invitesOf(inbox), position }, { rooms: `[${texts.join(',')}]` })
}

/** How far each partition of the rooms is stored; undefined where a room has not reached its join. */
async function coveredPartitions(source: Source, rooms: readonly InboxRoom[]): Promise<[number, string, number][] | undefined> {
  const found = await roomPartitions(source, [...new Set(rooms.map(({ roomPartition }) => roomPartition!))])
  const reached = rooms.every(({ roomPartition, roomOffset }) => (found.get(roomPartition!)?.offset ?? 0) > (roomOffset ?? 0))
  return reached ? [...found].map(([partition, { epoch, offset }]) => [partition, epoch, offset]) : undefined
}

function invitesOf({ rooms }: Inbox): object[] {
  return rooms.flatMap(({ kind, room, by, name, roomSeq }) =>
    kind === 'invited' ? [{ room, by: by ?? undefined, name: name ?? undefined, seq: roomSeq ?? undefined }] : [],
  )
}
