/**
 * The hot write: what some slices say becomes rows, in the transaction that moves their checkpoints.
 *
 * Invariant: a checkpoint says `offset = n` if and only if every event before n, and nothing else, is in the tables. So the
 * checkpoint rows are taken first, in one order for all instances, and only where they still say what the slice was read
 * from; a slice whose row is elsewhere is left out, because another instance is ahead.
 */
import { epochOf } from '@roomlog/log'
import type { DataSource, QueryRunner } from 'typeorm'
import { Contradiction } from '../contradiction.js'
import type { Slice } from '../slice.js'
import { Bulk, BulkInsert } from './bulk.js'
import { noteSeen, writeDevices } from './devices.js'
import { erase } from './erase.js'
import { fold } from './fold.js'
import { type PlacedEvent, placed } from './place.js'
import { writeRelations } from './relations.js'
import type { DeviceRow, MemberRow, RoomRow, Rows } from './rows.js'
import { aliases, historyChanges, markers, memberChanges, profiles, state, userRooms } from './tables.js'

/** @returns the slices that count now. @throws Contradiction, or the database's error; then none counts. */
export async function store(dataSource: DataSource, slices: readonly Slice[], topicIds: ReadonlyMap<string, string>): Promise<Set<Slice>> {
  const runner = dataSource.createQueryRunner()
  try {
    await runner.startTransaction('READ COMMITTED')
    const mine = await moveCheckpoints(runner, slices, topicIds)
    const seen = mine.length > 0 ? await write(runner, fold(mine)) : []
    await runner.commitTransaction()
    noteSeen(dataSource, seen)
    return new Set(mine)
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined)
    throw contradictionOf(error)
  } finally {
    await runner.release()
  }
}

/** What the database refuses for its constraints (class 23) or its data types (class 22) it will refuse again. */
function contradictionOf(error: unknown): unknown {
  const { code, detail, message } = error as { code?: string; detail?: string; message: string }
  if (code === '23505') return new Contradiction(`what the log says is stored already, differently: ${detail}`, { cause: error })
  return /^2[23]/.test(code ?? '') ? new Contradiction(`the database cannot hold what the log says: ${message}`, { cause: error }) : error
}

const checkpoints = new Bulk<Slice & { topicId: string }>({
  topic: ['text', (slice) => slice.topic],
  partition: ['int', (slice) => slice.partition],
  read: ['bigint', (slice) => slice.from],
  next: ['bigint', (slice) => slice.next],
  incarnation: ['text', (slice) => slice.incarnation ?? null],
  epoch: ['text', (slice) => (slice.incarnation === undefined ? null : epochOf(slice.topicId, slice.incarnation))],
  last_offset: ['bigint', (slice) => slice.events.at(-1)?.place.offset ?? null],
  last_proof: ['text', (slice) => slice.events.at(-1)?.place.check ?? null],
  events: ['bigint', (slice) => slice.events.length],
})

const moveSql = `
  with mine as materialized (
    select c.topic, c.partition, u.next, u.incarnation, u.epoch, u.last_offset, u.last_proof, u.events
    from checkpoints c join ${checkpoints.source} on c.topic = u.topic and c.partition = u.partition
    where c."offset" = u.read order by c.topic, c.partition for update of c
  )
  update checkpoints c set "offset" = mine.next, incarnation = coalesce(mine.incarnation, c.incarnation), epoch = coalesce(mine.epoch, c.epoch),
    last_offset = coalesce(mine.last_offset, c.last_offset), last_proof = coalesce(mine.last_proof, c.last_proof),
    events = c.events + mine.events, at = now()
  from mine where c.topic = mine.topic and c.partition = mine.partition
  returning c.topic, c.partition`

async function moveCheckpoints(runner: QueryRunner, slices: readonly Slice[], topicIds: ReadonlyMap<string, string>): Promise<Slice[]> {
  const rows = slices.map((slice) => ({ ...slice, topicId: topicIds.get(slice.topic) ?? '' }))
  const [moved] = (await runner.query(moveSql, checkpoints.parameters(rows))) as [{ topic: string; partition: number }[]]
  return slices.filter((slice) => moved.some((row) => row.topic === slice.topic && row.partition === slice.partition))
}

/** @returns the devices that are written, to be noted when all of it is committed. */
async function write(runner: QueryRunner, rows: Rows): Promise<DeviceRow[]> {
  const placedEvents = await placed(runner, rows.events)
  await events.run(runner, placedEvents)
  await writeRooms(runner, rows.rooms)
  await state.run(runner, rows.state)
  await writeMembers(runner, rows.members)
  await memberChanges.run(runner, rows.memberChanges)
  await historyChanges.run(runner, rows.historyChanges)
  await aliases.run(runner, rows.aliases)
  await userRooms.run(runner, rows.userRooms)
  await markers.run(runner, rows.markers)
  await profiles.run(runner, rows.profiles)
  await writeRelations(runner, rows.relations, placedEvents)
  if (rows.erasures.length > 0) await erase(runner, rows.erasures)
  return writeDevices(runner, rows)
}

const events = new BulkInsert<PlacedEvent>('events', {
  room: ['text', ({ event }) => event.room],
  seq: ['bigint', ({ event }) => event.seq],
  place: ['bigint', (row) => row.historyPlace],
  partition: ['int', ({ place }) => place.partition],
  '"offset"': ['bigint', ({ place }) => place.offset],
  proof: ['text', ({ place }) => place.check],
  type: ['text', ({ event }) => event.type],
  key: ['text', ({ event }) => event.key ?? null],
  sender: ['text', ({ event }) => event.sender.id],
  at: ['bigint', ({ event }) => event.at],
  ref: ['text', ({ event }) => event.ref ?? null],
  follows: ['text', ({ event }) => event.follows ?? null],
  device: ['text', ({ event }) => event.device ?? null],
  action: ['bigint', ({ event }) => event.action?.id ?? null],
  value: ['text', (row) => row.value],
})

const rooms = new Bulk<RoomRow>({
  room: ['text', (row) => row.room],
  topic: ['text', (row) => row.topic],
  partition: ['int', (row) => row.partition],
  first: ['bigint', (row) => row.first],
  seq: ['bigint', (row) => row.seq],
  created_at: ['bigint', (row) => row.createdAt],
  updated_at: ['bigint', (row) => row.updatedAt],
  messages: ['bigint', (row) => row.messages],
  last_message: ['bigint', (row) => row.lastMessage],
  deleted_seq: ['bigint', (row) => row.deletedSeq],
})

/** A room begins with its event 1, and goes on where it stood: anything else would be a hole. */
const roomsSql = `
  insert into rooms as r (room, topic, partition, seq, created_at, updated_at, messages, last_message, deleted_seq)
  select room, topic, partition, seq, created_at, updated_at, messages, last_message, deleted_seq from ${rooms.source}
  where first = 1 or exists (select 1 from rooms k where k.room = u.room and k.seq = u.first - 1)
  on conflict (room) do update set seq = excluded.seq, updated_at = excluded.updated_at, messages = r.messages + excluded.messages,
    last_message = coalesce(excluded.last_message, r.last_message), deleted_seq = coalesce(r.deleted_seq, excluded.deleted_seq)
  returning room`

async function writeRooms(runner: QueryRunner, rows: RoomRow[]): Promise<void> {
  if (rows.length === 0) return
  const stored = (await runner.query(roomsSql, rooms.parameters(rows))) as { room: string }[]
  if (stored.length < rows.length) {
    const missing = rows.find((row) => !stored.some(({ room }) => room === row.room))!
    throw new Contradiction(`room ${missing.room}: its stored events do not end before seq ${missing.first}`)
  }
  const changed = rows.filter((row) => row.changes.size > 0)
  if (changed.length > 0) await runner.query(roomChangesSql, roomChanges.parameters(changed))
}

const changed = (name: string) => (row: RoomRow) => row.changes.has(name)
const change = (name: string) => (row: RoomRow) => row.changes.get(name) ?? null
/** Folded state by the name of its event, and the column that it is. */
const folded = { name: 'name', topic: 'topic_text', avatar: 'avatar', access: 'access', history: 'history', type: 'type' }

const roomChanges = new Bulk<RoomRow>({
  room: ['text', (row) => row.room],
  ...Object.fromEntries(
    Object.keys(folded).flatMap((name) => [
      [`has_${name}`, ['boolean', changed(name)] as const],
      [`new_${name}`, ['text', change(name)] as const],
    ]),
  ),
  has_listed: ['boolean', changed('listed')],
  new_listed: ['boolean', change('listed')],
})

const roomChangesSql = `update rooms r set listed = case when has_listed then coalesce(new_listed, false) else listed end,
  ${Object.entries(folded)
    .map(([name, column]) => `${column} = case when has_${name} then new_${name} else r.${column} end`)
    .join(', ')}
  from ${roomChanges.source} where r.room = u.room`

const members = new Bulk<MemberRow>({
  room: ['text', (row) => row.room],
  user_id: ['text', (row) => row.user],
  membership: ['text', (row) => row.membership],
  seq: ['bigint', (row) => row.seq],
  profiled: ['boolean', (row) => row.profiled],
  name: ['text', (row) => row.name],
  avatar: ['text', (row) => row.avatar],
})

/** All parts see the members as they were before; the rooms' counts follow from the difference. */
const membersSql = `
  with u as materialized (select * from ${members.source}),
  before as (select m.room, m.user_id, m.membership from members m join u using (room, user_id)),
  stored as (
    insert into members as m (room, user_id, membership, seq, name, avatar) select room, user_id, membership, seq, name, avatar from u
    on conflict (room, user_id) do update set membership = coalesce(excluded.membership, m.membership), seq = coalesce(excluded.seq, m.seq),
      (name, avatar) = (select case when w.profiled then w.name else m.name end, case when w.profiled then w.avatar else m.avatar end
        from u w where w.room = excluded.room and w.user_id = excluded.user_id)
  ),
  difference as (
    select u.room, sum((u.membership = 'joined')::int - coalesce((before.membership = 'joined')::int, 0)) as joined
    from u left join before using (room, user_id) where u.membership is not null group by u.room
  )
  update rooms r set joined = r.joined + d.joined from difference d where r.room = d.room and d.joined <> 0`

async function writeMembers(runner: QueryRunner, rows: MemberRow[]): Promise<void> {
  if (rows.length > 0) await runner.query(membersSql, members.parameters(rows))
}
