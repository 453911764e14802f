/** Real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../database.js'
import { server, stopServer } from '../testing/archive.js'
import { historyPage, historyScanMax, likeOfGlob } from './history.js'
import type { Source } from './source.js'

const events = 120_000
let database: Database
beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await (await server()).createDatabase(), dataDir: '' })
  // Every thousandth stands at place 10; every fifty-thousandth is of another type.
  await database.dataSource.query(`insert into events (room, seq, place, partition, "offset", proof, type, sender, at, value)
    select 'r', n, case when n % 1000 = 0 then 10 else n end, 0, n, 'proof___', case when n % 50000 = 49999 then 'app.rare' else 'msg.text' end, 'anna', n, '{}'
    from generate_series(1, ${events}) n`)
  await database.dataSource.query('vacuum analyze events')
})
afterAll(async () => {
  await database?.close()
  await stopServer()
})

const all = { room: 'r', visible: [[1, events]] as [number, number][], limit: 50 }

/** Counts the blocks that the statements of a page touch. */
function counting(source: Source): Source & { blocks: number } {
  const counted = Object.create(source) as Source & { blocks: number }
  counted.blocks = 0
  counted.query = (async (sql: string, values: unknown[]) => {
    const [row] = (await source.query(`explain (analyze, buffers, format json) ${sql}`, values)) as any[]
    const plan = row['QUERY PLAN'][0].Plan
    counted.blocks += plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
    return source.query(sql, values)
  }) as Source['query']
  return counted
}

describe('a page of history', () => {
  it.each(['back', 'forward'] as const)('costs the same at any depth (%s)', async (direction) => {
    for (const seq of [200, 60_001, 119_001]) {
      const source = counting(database.dataSource)
      const page = await historyPage(source, { ...all, direction, from: { place: seq, seq } })
      expect(page.events.length).toBe(50)
      expect([seq, source.blocks < 20]).toEqual([seq, true])
    }
  })

  it('orders by place, and crosses a place with many events in pages without gap or overlap', async () => {
    const seqs: number[] = []
    for (let from: { place: number; seq: number } | undefined, more = true; more && seqs.length < 400; ) {
      const page = await historyPage(database.dataSource, { ...all, direction: 'forward', from })
      seqs.push(...page.events.map((event) => event.seq))
      from = page.events.at(-1)
      more = page.more
    }
    const moved = Array.from({ length: 120 }, (_, i) => (i + 1) * 1_000)
    expect(seqs.slice(0, 140)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => i + 1),
      ...moved,
      ...Array.from({ length: 10 }, (_, i) => i + 11),
    ])
    const back = await historyPage(database.dataSource, { ...all, direction: 'back', from: { place: 10, seq: 2_000 } })
    expect(back.events.map((event) => event.seq)).toEqual([...Array.from({ length: 10 }, (_, i) => i + 1), 1_000])
    expect(back.more).toBe(false)
  })

  it('searches for rare events up to its bound, and then says from where to go on', async () => {
    const source = counting(database.dataSource)
    const first = await historyPage(source, { ...all, direction: 'back', types: ['app.*'], limit: 5 })
    expect(first.more).toBe(true)
    // To the end of the window in which the bound was reached.
    expect(events - first.searched! - historyScanMax).toBeLessThan(5_000)
    expect(first.events.map((event) => event.seq)).toEqual([99_999])
    const second = await historyPage(source, {
      ...all,
      direction: 'back',
      types: ['app.*'],
      limit: 5,
      from: { place: first.searched!, seq: first.searched! },
    })
    expect(second.events.map((event) => event.seq)).toEqual([49_999])
  })

  it('never reads what may not be seen', async () => {
    const visible: [number, number][] = [
      [5, 6],
      [100_001, 100_003],
      [110_000, 110_001],
    ]
    const page = await historyPage(database.dataSource, { ...all, visible, direction: 'back' })
    expect(page.events.map((event) => event.seq)).toEqual([5, 6, 110_000, 100_001, 100_002, 100_003, 110_001])
    expect(page.more).toBe(false)
  })

  it('takes a glob as it is written', () => {
    expect(['msg.*', '100%_\\*'].map(likeOfGlob)).toEqual(['msg.%', '100\\%\\_\\\\%'])
  })
})
