import { randomUUID } from 'node:crypto'
import { epochOf, type Log, openLog, recordCheck } from '@roomlog/log'
import { type Head, topics } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { trimBefore } from '../verbs/trim.js'
import { planTrim, type TrimPlan } from './plan.js'

const topic = 'room.events'
const place = { family: 'room', partition: 0 } as const
const late = Date.now() + 86_400_000

describe('how far a partition may be trimmed', () => {
  let log: Log
  let epoch: string
  beforeEach(async () => {
    log = await openLog(`memory:${randomUUID()}`, { partitions: 1 })
    await log.prepare(topics, 'relaxed')
    epoch = epochOf(await log.topicId(topic), 'i')
    // 0: incarnation, 1–9: events, 10: owner, 11–19: events, 20: owner, 21–29: events.
    await append([{ mark: 'incarnation', incarnation: 'i' }, ...events(9)])
    await append([{ mark: 'owner', incarnation: 'i' }, ...events(9)])
    await append([{ mark: 'owner', incarnation: 'i' }, ...events(9)])
  })
  afterEach(() => log.close())

  const events = (count: number) => Array.from({ length: count }, (_, n) => ({ event: n }))
  const headersOf = (value: object): Record<string, string> => ('event' in value ? { seq: '1' } : {})
  async function append(values: object[]): Promise<void> {
    const { end } = await log.range(topic, 0)
    const records = values.map((value) => ({ key: null, value: JSON.stringify(value), headers: headersOf(value) }))
    await log.append(topic, 0, end, records)
  }
  async function state(key: string, value: object, through: number, owner = 10, of = epoch): Promise<void> {
    const headers = { v: '1', through: String(through), owner: String(owner), epoch: of }
    await log.produce('room.state', 0, [{ key, value: JSON.stringify(value), headers }])
  }
  async function head(through: number, changed: Partial<Head> = {}): Promise<void> {
    const [record] = (await log.read(topic, 0, through - 1, { bytesMax: 1 })).records
    const last = { offset: through - 1, check: recordCheck(record!.value) }
    const { end: stands } = await log.range('room.state', 0)
    await state('head', { through, last, cmd: 0, parked: [], causes: {}, incarnation: 'i', stands, at: 0, ...changed }, through)
  }
  const stored = (offset: number, of = epoch) => ({ topic, partition: 0, offset, epoch: of })
  const plan = (offset: number, before = late): Promise<TrimPlan> => planTrim(log, place, stored(offset), before)

  it('is the last mark that names the incarnation, at or below the lowest of the three', async () => {
    await head(25)
    expect(await plan(30)).toMatchObject({ keepFrom: 20, covered: 25, stored: 30, aged: 25, refused: false })
    expect(await plan(20)).toMatchObject({ keepFrom: 20, why: 'persistence has not stored it' })
    expect(await plan(19)).toMatchObject({ keepFrom: 10 })
    expect(await plan(30, 0)).toMatchObject({ keepFrom: 0, aged: 0, why: 'younger than the wanted age' })
  })

  it('is what the authority’s checkpoint covers, less what a paused former owner wrote late', async () => {
    await head(15)
    expect(await plan(30)).toMatchObject({ keepFrom: 10, covered: 15 })
    await head(30)
    expect(await plan(30)).toMatchObject({ keepFrom: 20, covered: 30 })
    await state('r\u00001\u00000\u000010', {}, 12, 10)
    expect(await plan(30)).toMatchObject({ keepFrom: 10, covered: 12 })
    await state('r\u00001\u00000\u000020', {}, 30, 20)
    await state('r\u00001\u00000\u00005', {}, 7, 5)
    await head(30)
    expect(await plan(30)).toMatchObject({ keepFrom: 0, covered: 7 })
  })

  it('is nothing without a checkpoint of the authority, or of persistence', async () => {
    expect(await plan(30)).toMatchObject({ keepFrom: 0, refused: false, why: 'the authority has no checkpoint of it yet' })
    await head(25)
    expect(await planTrim(log, place, undefined, late)).toMatchObject({ keepFrom: 0, why: 'persistence knows nothing of it' })
  })

  it('is refused where log, authority and persistence contradict each other', async () => {
    await head(25)
    expect(await planTrim(log, place, stored(30, 'other'), late)).toMatchObject({ refused: true, keepFrom: 0 })
    expect(await plan(31)).toMatchObject({ refused: true })
    await head(25, { last: { offset: 24, check: 'xxxxxxxx' } })
    expect(await plan(30)).toMatchObject({ refused: true, why: expect.stringContaining('another record at 24') })
    await head(25, { through: 40 })
    expect(await plan(30)).toMatchObject({ refused: true, why: expect.stringContaining('beyond the log’s end') })
    await head(25, { incarnation: 'other' })
    expect(await plan(30)).toMatchObject({ refused: true, why: 'the authority’s head is of another log' })
  })

  it('is not moved to the mark of an owner of before, which names nothing', async () => {
    await append([{ mark: 'owner' }, ...events(9)])
    await head(40)
    expect(await plan(40)).toMatchObject({ keepFrom: 20 })
  })

  it('is only said with --dry-run, and done without; what is done twice changes nothing', async () => {
    await head(25)
    const plans: TrimPlan[] = []
    const run = (dryRun: boolean) => trimBefore(log, [stored(30)], { before: late, dryRun }, (one) => plans.push(one))
    expect(await run(true)).toBe(false)
    expect(await log.range(topic, 0)).toEqual({ start: 0, end: 30 })
    await run(false)
    expect(await log.range(topic, 0)).toEqual({ start: 20, end: 30 })
    await run(false)
    expect(plans.filter((one) => one.topic === topic).map(({ start, keepFrom }) => [start, keepFrom])).toEqual([
      [0, 20],
      [0, 20],
      [20, 20],
    ])
  })
})
