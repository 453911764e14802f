/** Devices: when they were last seen to do something, and which are signed out. */
import type { RevocationsPage } from '@roomlog/door'
import type { DataSource, QueryRunner } from 'typeorm'
import { BulkInsert } from './bulk.js'
import type { DeviceRow, Rows } from './rows.js'
import type { Source } from './source.js'

export interface Device {
  device: string
  firstSeen: number | null
  lastSeen: number | null
  revokedAt: number | null
}

/** The user's devices, those seen last first; at most 1,000. */
export async function devicesOf(source: Source, user: string): Promise<Device[]> {
  return (await source.query(devicesSql, [user])) as Device[]
}

/** What a batch writes of them. */
export async function writeDevices(runner: QueryRunner, { devices, revocations }: Rows): Promise<DeviceRow[]> {
  const news = newsOf(runner.connection, devices)
  await seen.run(runner, news)
  await revoked.run(runner, revocations)
  return news
}

/** To be told of what `writeDevices` gave, when it is committed. */
export function noteSeen(dataSource: DataSource, rows: readonly DeviceRow[]): void {
  const minutes = minutesOf(dataSource)
  for (const { user, device, lastSeen } of rows) minutes.set(`${user}\n${device}`, minuteOf(lastSeen))
  if (minutes.size > rememberedMax) minutes.clear()
}

const pageMax = 5_000
/** Changes whose transactions may be committed in another order than they were numbered. */
const overlap = 200

/** What has changed after `after`, and a little of what came before. */
export async function revocationsAfter(source: Source, after: number): Promise<RevocationsPage> {
  const rows = (await source.query(
    'select user_id as "user", device, at, change from revocations where change > $1 order by change limit $2',
    [after - overlap, pageMax],
  )) as { user: string; device: string; at: number; change: number }[]
  const next = Math.max(after, rows.at(-1)?.change ?? 0)
  return { revocations: rows.map(({ user, device, at }) => [user, device, at]), next, more: rows.length === pageMax }
}

/**
 * When each device was last written, to the minute, so that a device that is busy costs a row a minute and not one a batch. Only what
 * is committed is remembered; a process that begins anew, or shares the partitions, writes the same again.
 */
const remembered = new WeakMap<DataSource, Map<string, number>>()
const rememberedMax = 100_000

function minutesOf(dataSource: DataSource): Map<string, number> {
  let minutes = remembered.get(dataSource)
  if (!minutes) remembered.set(dataSource, (minutes = new Map()))
  return minutes
}

function newsOf(dataSource: DataSource, rows: readonly DeviceRow[]): DeviceRow[] {
  const minutes = minutesOf(dataSource)
  return rows.filter(({ user, device, lastSeen }) => (minutes.get(`${user}\n${device}`) ?? -1) < minuteOf(lastSeen))
}

const minuteOf = (ms: number) => Math.floor(ms / 60_000)

const seen = new BulkInsert<DeviceRow>(
  'devices as d',
  {
    user_id: ['text', (row) => row.user],
    device: ['text', (row) => row.device],
    first_seen: ['bigint', (row) => minuteOf(row.firstSeen) * 60_000],
    last_seen: ['bigint', (row) => minuteOf(row.lastSeen) * 60_000],
  },
  `on conflict (user_id, device) do update set first_seen = least(d.first_seen, excluded.first_seen), last_seen = greatest(d.last_seen, excluded.last_seen)`,
)

const revoked = new BulkInsert<Rows['revocations'][number]>(
  'revocations',
  { user_id: ['text', (row) => row.user], device: ['text', (row) => row.device], at: ['bigint', (row) => row.at] },
  `on conflict (user_id, device) do update set at = excluded.at, change = nextval('revocation_changes')`,
)

const devicesSql = `
  select device, d.first_seen as "firstSeen", d.last_seen as "lastSeen", r.at as "revokedAt"
  from (select * from devices where user_id = $1) d full join (select * from revocations where user_id = $1) r using (device)
  order by d.last_seen desc nulls last, device limit 1000`
