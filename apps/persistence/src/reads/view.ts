/**
 * A room as one reader may see it. Every read of a room begins here, and one that finds nothing to see ends here: with the
 * same answer, after the same work, whether the room is unknown or not for this reader.
 */
import { AccessTimeline, isReader, type Reader, roomKind } from '@roomlog/domain'
import { type Principal, rightsFor } from '@roomlog/door'
import { position } from '@roomlog/log'
import { decodeEvent, type WireError } from '@roomlog/protocol'
import { type RoomAccess, readAccess } from '../store/access.js'
import { Alias } from '../store/entities.js'
import type { Source } from '../store/source.js'
import { type Range, visibleRanges } from '../store/visible.js'
import { notFound, type Reading } from './read.js'

export interface View {
  room: string
  access: RoomAccess
  reader: Reader
  timeline: AccessTimeline
  /** What may be seen of the room's events. */
  visible: Range[]
  /** Sees what happens now: a member, or a room that the world may read. */
  current: boolean
  membership: string
}

/** What one must see at least: any event of the room; what happens in it now; or that there is such a room. */
export type Demand = 'events' | 'now' | 'room'

export async function viewRoom(reading: Reading, demand: Demand): Promise<View | WireError> {
  const { dataSource, principal, partitions } = reading
  const room = await roomOf(dataSource, reading.input.room)
  const access = await readAccess(dataSource, room, principal.user, partitions)
  const view = viewOf(room, access, principal)
  const seen =
    demand === 'now' ? view.current : view.visible.length > 0 || view.current || (demand === 'room' && isKnowable(view, principal))
  return access.exists && !access.deleted && roomKind(room) !== 'alias' && seen ? view : notFound()
}

/** A room by its ID, or by an alias of it. */
async function roomOf(dataSource: Source, given: string): Promise<string> {
  if (!given.startsWith('#')) return given
  const alias = await dataSource.getRepository(Alias).findOneBy({ alias: given.slice(1) })
  return alias?.room ?? given
}

export function viewOf(room: string, access: RoomAccess, principal: Principal): View {
  const reader = readerOf(principal, room)
  const timeline = new AccessTimeline(access, reader)
  const isSystem = roomKind(room) === 'system'
  const visible: Range[] = isSystem ? [[1, access.seq]] : visibleRanges(timeline, [...access.history, ...access.membership], access.seq)
  return { room, access, reader, timeline, visible, current: timeline.mayReadNow(), membership: access.membership.at(-1)?.[1] ?? 'none' }
}

export function readerOf(principal: Principal, room: string): Reader {
  const { user, anonymous, teams } = principal
  return { user: anonymous ? undefined : user, rights: rightsFor(principal, room), teams }
}

/** Who was invited knows of the room; and a public room may be looked at from outside, though not read, with a token. */
function isKnowable({ access, membership }: View, principal: Principal): boolean {
  if (membership === 'banned') return false
  return membership !== 'none' || (access.access === 'public' && !principal.anonymous)
}

/** Of a system area every event names its readers. */
export function acceptOf({ room, reader }: View): ((event: { value: string }) => boolean) | undefined {
  if (roomKind(room) !== 'system') return undefined
  return ({ value }) => isReader(decodeEvent(value).readers ?? [], reader)
}

/** The event's position, the same for everybody. */
export function positionOf({ access }: Pick<View, 'access'>, event: { offset: number; seq: number; proof: string }): string {
  return position({ epoch: access.epoch, partition: access.partition, offset: event.offset, seq: event.seq, check: event.proof })
}
