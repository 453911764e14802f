import type { RoomEvent } from '@roomlog/domain'
import { currentEpoch, incarnationOf } from '@roomlog/log'
import { decodeRecord, eventsTopic } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReferenceCache } from './references.js'
import { until, World } from './testing/world.js'

const create = { type: 'room.create', content: '{"access":"public"}' }
const topic = eventsTopic('room')

describe('a log that was trimmed to an owner’s mark', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.close())

  /** Two owners, a checkpoint of the second, and nothing kept below its mark. */
  async function trimmed() {
    const first = await world.owner()
    await world.do(create)
    for (let i = 0; i < 20; i++) await world.do({ actionId: i, digest: 'x' })
    await first.stop()
    const old = await world.records()
    const second = await world.owner({ bounds: { checkpointEventsMax: 1 } })
    const mark = (await world.records()).at(-1)!
    for (let i = 20; i < 25; i++) await world.do({ actionId: i, digest: 'x' })
    await until(() => world.figures.get('checkpoints') > 1)
    await second.stop()
    const before = await currentEpoch(world.log, topic, 0)
    await world.log.trim(topic, 0, mark.offset)
    return { old, mark, before }
  }

  it('begins with a record that names the incarnation, and keeps its epoch, also when the mark is far from the end', async () => {
    const { mark, before } = await trimmed()
    const { start, end } = await world.log.range(topic, 0)
    expect(start).toBe(mark.offset)
    const [record] = (await world.log.read(topic, 0, start)).records
    expect(incarnationOf(record!)).toBe(before.incarnation)
    const fillers = Array.from({ length: 2_100 }, () => ({ key: null, value: '{"mark":"decided"}', headers: { v: '1', cmd: '0' } }))
    await world.log.append(topic, 0, end, fillers)
    expect(await currentEpoch(world.log, topic, 0)).toEqual(before)
  })

  it('is taken over from the checkpoint: seq, action IDs and incarnation go on', async () => {
    const { before } = await trimmed()
    await world.owner()
    expect((await world.do({ actionId: 25, digest: 'x' })).ok?.seq).toBe(31)
    expect((await world.do({ actionId: 24, digest: 'x' })).ok?.seq).toBe(30)
    expect(await currentEpoch(world.log, topic, 0)).toEqual(before)
  })

  it('lets commands refer to what was trimmed, through history', async () => {
    const { old } = await trimmed()
    const record = old.findLast(({ headers }) => headers['type'] === 'msg.text')!
    const event = decodeRecord(record)
    const history = { event: async (id: string): Promise<RoomEvent | undefined> => (id === event.id ? event : undefined) }
    await world.owner({ history, cache: new ReferenceCache() })
    const edit = { type: 'msg.edit', ref: event.id, content: '{"text":"new"}' }
    expect((await world.do(edit)).ok?.seq).toBe(31)
  })

  it('is not taken over where more than the checkpoint covers is gone', async () => {
    await trimmed()
    const { end } = await world.log.range(topic, 0)
    const fillers = Array.from({ length: 3 }, () => ({ key: null, value: '{"mark":"decided"}', headers: { v: '1', cmd: '25' } }))
    await world.log.append(topic, 0, end, fillers)
    await world.log.trim(topic, 0, end + 3)
    await expect(world.start().ready).rejects.toThrow(/begins at \d+, but the checkpoint ends at \d+/)
  })
})
