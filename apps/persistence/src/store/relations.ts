/**
 * What messages have to do with each other: reactions as sets, the events of threads, who is mentioned. Most events have none
 * of it, and cost three comparisons.
 */
import { type RoomEvent, reactionOf } from '@roomlog/domain'
import type { QueryRunner } from 'typeorm'
import { Bulk, BulkInsert } from './bulk.js'
import { isMessage } from './message.js'
import type { PlacedEvent } from './place.js'

export interface ReactionRow {
  room: string
  ref: string
  user: string
  key: string
  seq: number
  /** False = taken back. */
  stands: boolean
}

export interface MentionRow {
  room: string
  user: string
  seq: number
  sender: string
}

/** The last form of each reaction, and all mentions, of what one transaction stores. */
export class Relations {
  readonly reactions = new Map<string, ReactionRow>()
  readonly mentions: MentionRow[] = []

  add(event: RoomEvent): void {
    if (event.ref !== undefined && (event.type === 'msg.reaction' || event.type === 'msg.unreact')) this.react(event, event.ref)
    if (event.mentions !== undefined) {
      const { room, seq, sender } = event
      for (const user of new Set(event.mentions)) this.mentions.push({ room, user, seq, sender: event.onBehalfOf ?? sender.id })
    }
  }

  private react(event: RoomEvent, ref: string): void {
    const key = reactionOf(event.content)?.replaceAll('\0', '\ufffd')
    if (key === undefined) return
    const { room, seq, type } = event
    const user = event.onBehalfOf ?? event.sender.id
    this.reactions.set(`${room}\n${ref}\n${user}\n${key}`, { room, ref, user, key, seq, stands: type === 'msg.reaction' })
  }
}

export async function writeRelations(
  runner: QueryRunner,
  { reactions, mentions }: Relations,
  events: readonly PlacedEvent[],
): Promise<void> {
  const rows = [...reactions.values()]
  await given.run(
    runner,
    rows.filter(({ stands }) => stands),
  )
  const ended = rows.filter(({ stands }) => !stands)
  if (ended.length > 0) await runner.query(takenBackSql, takenBack.parameters(ended))
  await mentioned.run(runner, mentions)
  await threaded.run(
    runner,
    events.filter(({ event }) => event.thread !== undefined),
  )
}

/** With the deletion of a message go its reactions; with that of a reaction it goes itself. */
export async function forgetReactions(runner: QueryRunner, deleted: readonly { room: string; seq: number }[]): Promise<void> {
  await runner.query(forgetSql, [deleted.map(({ room }) => room), deleted.map(({ seq }) => seq)])
}

const forgetSql = `
  with gone as (select e.room, e.seq, e.partition || '-' || e."offset" || '-' || e.proof as id
    from unnest($1::text[], $2::bigint[]) as u(room, seq) join events e on e.room = u.room and e.seq = u.seq)
  delete from reactions r using gone where r.room = gone.room and (r.seq = gone.seq or r.ref = gone.id)`

const ofReaction = {
  room: ['text', (row: ReactionRow) => row.room],
  ref: ['text', (row: ReactionRow) => row.ref],
  user_id: ['text', (row: ReactionRow) => row.user],
  key: ['text', (row: ReactionRow) => row.key],
} as const

const given = new BulkInsert<ReactionRow>(
  'reactions',
  { ...ofReaction, seq: ['bigint', (row) => row.seq] },
  'on conflict (room, ref, user_id, key) do update set seq = excluded.seq',
)
const takenBack = new Bulk<ReactionRow>(ofReaction)
const takenBackSql = `delete from reactions r using ${takenBack.source} where r.room = u.room and r.ref = u.ref and r.user_id = u.user_id and r.key = u.key`

const mentioned = new BulkInsert<MentionRow>('mentions', {
  room: ['text', (row) => row.room],
  user_id: ['text', (row) => row.user],
  seq: ['bigint', (row) => row.seq],
  sender: ['text', (row) => row.sender],
})

const threaded = new BulkInsert<PlacedEvent>('threads', {
  room: ['text', ({ event }) => event.room],
  root: ['text', ({ event }) => event.thread],
  place: ['bigint', (row) => row.historyPlace],
  seq: ['bigint', ({ event }) => event.seq],
  message: ['boolean', ({ event }) => isMessage(event)],
})
