/**
 * The words of messages, for search. They are taken out of the events that are stored already, behind the archiver and never in its
 * transaction, so that archiving costs nothing more; the answer to a search is as far behind as the indexer is.
 *
 * Erasure must win over indexing. A deletion takes its words out in its own transaction, and an indexer that read the message just
 * before must not put them back: so indexing holds a lock (shared) that a transaction with deletions takes alone.
 */
import { isMarkedEncrypted, type RawJson } from '@roomlog/domain'
import { decodeEvent, eventsTopic } from '@roomlog/protocol'
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'

/** Offsets of one partition that one step looks at. */
const stepMax = 1_000
/** The words of a longer text are those of its beginning. */
const textLengthMax = 20_000
const erasureLock = 0x776f7264

/** Indexes the next events of one partition that is behind. False = none is, or others are at it. */
export async function indexStep(dataSource: DataSource): Promise<boolean> {
  return dataSource.transaction('READ COMMITTED', async (manager) => {
    const [behind] = (await manager.query(behindSql, [eventsTopic('room')])) as { partition: number; from: number; end: number }[]
    if (!behind) return false
    const { partition, from, end } = behind
    const next = Math.min(end, from + stepMax)
    await manager.query('select pg_advisory_xact_lock_shared($1)', [erasureLock])
    await insertWords(manager, (await manager.query(messagesSql, [partition, from, next])) as Message[])
    await manager.query('update indexed set "offset" = $2 where partition = $1', [partition, next])
    return true
  })
}

/** A partition that the indexer has not met yet has no row, and nothing to lock: it is given one first. */
export async function prepareIndex(dataSource: DataSource): Promise<void> {
  await dataSource.query('insert into indexed (partition) select partition from checkpoints where topic = $1 on conflict do nothing', [
    eventsTopic('room'),
  ])
}

/** How frequent which words are, for the plan of a search. */
export async function countWords(dataSource: DataSource): Promise<void> {
  await dataSource.query('analyze words')
}

/** In a transaction that deletes: before it reads what it deletes. */
export async function lockErasure(runner: QueryRunner): Promise<void> {
  await runner.query('select pg_advisory_xact_lock($1)', [erasureLock])
}

export async function forgetWords(runner: QueryRunner, deleted: readonly { room: string; seq: number }[]): Promise<void> {
  await runner.query('delete from words w using unnest($1::text[], $2::bigint[]) as u(room, seq) where w.room = u.room and w.seq = u.seq', [
    deleted.map(({ room }) => room),
    deleted.map(({ seq }) => seq),
  ])
}

/** What may be searched of a content: its `body`, else its `text`. Everything else is the app's. */
export function textOf(content: RawJson): string | undefined {
  const parsed: unknown = JSON.parse(content)
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { body, text } = parsed as Record<string, unknown>
  const found = typeof body === 'string' ? body : text
  return typeof found === 'string' && found !== '' ? clean(found) : undefined
}

interface Message {
  room: string
  seq: number
  at: number
  sender: string
  type: string
  value: string
}

async function insertWords(manager: EntityManager, messages: readonly Message[]): Promise<void> {
  const rows = messages.flatMap((message) => {
    const text = isMarkedEncrypted(message.type) ? undefined : textOf(decodeEvent(message.value).content)
    return text === undefined ? [] : [{ ...message, text }]
  })
  if (rows.length === 0) return
  const column = (of: (row: (typeof rows)[number]) => unknown) => rows.map(of)
  await manager.query(insertSql, [
    column(({ room }) => room),
    column(({ seq }) => seq),
    column(({ at }) => at),
    column(({ sender }) => sender),
    column(({ type }) => type),
    column(({ text }) => text),
  ])
}

/** PostgreSQL's text has no NUL and no half characters; and a tsvector has an end. */
const clean = (text: string) => text.slice(0, textLengthMax).toWellFormed().replaceAll('\0', ' ')

const behindSql = `
  select i.partition, i."offset" as "from", c."offset" as "end" from indexed i join checkpoints c on c.topic = $1 and c.partition = i.partition
  where i."offset" < c."offset" order by c."offset" - i."offset" desc limit 1 for update of i skip locked`

const messagesSql = `
  select e.room, e.seq, e.at, e.sender, e.type, e.value from events e
  where e.partition = $1 and e."offset" >= $2 and e."offset" < $3 and e.type like 'msg.%' and e.type <> 'msg.delete' and e.key is null and e.room not like '@%' and e.room not like 'system.%'
    and not exists (select 1 from erased x where x.room = e.room and x.seq = e.seq)
    and not exists (select 1 from state s where s.room = e.room and s.type = 'room.mode' and s.key = '' and s.content like '%"encrypted"%'
      and s.content::json->>'encrypted' = 'true')`

const insertSql = `
  insert into words (room, seq, at, sender, type, words)
  select room, seq, at, sender, type, to_tsvector('simple', text)
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) as u(room, seq, at, sender, type, text)
  on conflict (room, seq) do nothing`
