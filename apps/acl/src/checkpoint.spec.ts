import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chunkKey, parseChunkKey } from './chunk-key.js'
import { restore } from './restore.js'
import { hash } from './room.js'
import { meddlingLog } from './testing/meddling-log.js'
import { until, World } from './testing/world.js'

const create = { type: 'room.create', content: '{"access":"public"}' }

describe('a checkpoint', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.close())

  const fill = async (rooms: string[], states: number) => {
    for (const room of rooms) {
      await world.do({ ...create, room })
      for (let i = 0; i < states; i++)
        await world.do({ type: 'app.thing', key: `k${i}`, room, content: `{"value":"${'x'.repeat(40)}${i}"}` })
    }
  }
  const stateOf = async () => {
    const { rooms, ...rest } = await restore(world.log, 'room.state', 0)
    const entries = [...rooms.values()].map((room) => [
      room.name,
      Object.fromEntries([...room.keys('')].sort().map((key) => [key, room.get(key)])),
    ])
    return { ...rest, entries: Object.fromEntries(entries.sort()), chunks: [...rooms.values()].map((room) => room.chunks.length) }
  }

  it('divides a large room into more chunks, and removes the fewer', async () => {
    await world.owner({ bounds: { checkpointEventsMax: 4, chunkBytesMax: 700 } })
    await fill(['r'], 30)
    await until(() => world.figures.get('chunksDoubled') >= 2)
    // A checkpoint covers what there was when it began: one more command, and the next one is due.
    await until(async () => (await world.do({})) && (await stateOf()).from > 30)
    const { chunks, entries, leftovers } = await stateOf()
    expect(chunks[0]).toBeGreaterThanOrEqual(4)
    expect(leftovers).toEqual([])
    expect(entries.r).toMatchObject({ 'state:app.thing:k0': { content: expect.stringContaining('xxx0') } })
    const { records } = await world.log.read('room.state', 0, 0)
    const last = new Map(records.map(({ key, value }) => [key!, value]))
    for (const [key, value] of last) if (key !== 'head') expect(value === null).toBe(parseChunkKey(key).chunks < chunks[0]!)
    for (const { value } of records) expect(value?.length ?? 0).toBeLessThan(1_400)
  })

  it('is also made where nothing happens any more', async () => {
    const owner = await world.owner({ bounds: { checkpointMsMax: 30 } })
    const { ok } = await world.do({ type: 'room.create', content: '{}' })
    const end = Number(ok!.event.split('-')[1]) + 1
    await until(async () => {
      owner.wake()
      return (await stateOf()).from >= end
    })
  })

  it('writes only the rooms that changed', async () => {
    await world.owner({ bounds: { checkpointEventsMax: 30 } })
    await fill(['r', 's'], 12)
    await until(() => world.figures.get('checkpoints') > 0)
    const before = await world.log.range('room.state', 0)
    const done = world.figures.get('checkpoints')
    for (let i = 0; i < 40; i++) await world.do({ room: 's' })
    await until(() => world.figures.get('checkpoints') > done)
    const { records } = await world.log.read('room.state', 0, before.end)
    const written = new Set(records.flatMap(({ key }) => (key === 'head' ? [] : [parseChunkKey(key!).room])))
    // One may have been written while the first checkpoint ended.
    expect([...written].at(-1)).toBe('s')
  })

  it('that stopped half way is no checkpoint: the one before and the replay give the same', async () => {
    let writes = 0
    let hold = false
    const log = meddlingLog(world.log, {
      produce: async (next, topic) => {
        if (topic !== 'room.state') return next()
        if (hold && writes++ > 1) await new Promise(() => {})
        return next()
      },
    })
    const bounds = { checkpointEventsMax: 20, chunkBytesMax: 500, checkpointBytesMax: 400 }
    await world.owner({ log, bounds })
    await fill(['r', 's'], 10)
    await until(() => world.figures.get('checkpoints') > 0)
    hold = true
    await fill(['t'], 10)
    await fill(['u'], 10)
    await until(() => writes > 2)
    const heads = async () => (await world.log.read('room.state', 0, 0)).records.filter(({ key }) => key === 'head').length
    const before = await heads()
    const second = await world.owner()
    expect(await heads()).toBe(before)
    expect(second.status.rooms).toBe(4)
    for (const room of ['r', 's', 't', 'u']) expect((await world.do({ room })).ok?.seq).toBe(16)
  })

  it('does not pass an event whose follow-ups are not acknowledged', async () => {
    let hold = false
    const log = meddlingLog(world.log, {
      produce: async (next, topic) => {
        if (topic === 'user.commands' && hold) await new Promise(() => {})
        return next()
      },
    })
    await world.owner({ log, bounds: { checkpointEventsMax: 5 } })
    await world.do(create)
    hold = true
    const { ok } = await world.do({ type: 'member.join', sender: { id: 'bob' } })
    for (let i = 0; i < 20; i++) await world.do({})
    await until(() => world.figures.get('checkpoints') > 1)
    expect((await stateOf()).head.through).toBeLessThanOrEqual(Number(ok!.event.split('-')[1]))
  })

  it('keeps every room whole whoever writes or removes late', async () => {
    let late: (() => Promise<unknown>)[] = []
    let hold = false
    const log = meddlingLog(world.log, {
      produce: async (next, topic) => {
        if (topic !== 'room.state' || !hold) return next()
        return new Promise((resolve, reject) => late.push(() => next().then(resolve, reject)))
      },
    })
    const bounds = { checkpointEventsMax: 8, chunkBytesMax: 300 }
    const first = await world.owner({ log, bounds })
    await fill(['r'], 8)
    await until(() => world.figures.get('checkpoints') > 0)
    hold = true
    await fill(['s'], 8)
    await until(() => late.length > 0)
    const second = await world.owner({ bounds })
    const done = world.figures.get('checkpoints')
    await fill(['t'], 8)
    await until(() => world.figures.get('checkpoints') > done)
    // The former owner wakes, and writes on, with all that it takes away.
    hold = false
    for (const write of late.splice(0)) await write()
    late = []
    await world.do({ room: 'r' })
    await until(async () => (await stateOf()).entries.s !== undefined)
    void first.stop()
    await second.stop()
    const third = await world.owner()
    expect(third.status.rooms).toBe(3)
    for (const [room, seq] of [
      ['r', 15],
      ['s', 14],
      ['t', 14],
    ] as const)
      expect((await world.do({ room })).ok?.seq).toBe(seq)
  })
})

describe('the format of the state topic', () => {
  it('finds an entry where the hash of its key says, for ever', () => {
    expect(['room', 'member:ann', 'state:room.name:', 'device:ann:d', 'ключ'].map(hash)).toMatchInlineSnapshot(`
      [
        939351424,
        1446166862,
        1903306451,
        201470568,
        866315772,
      ]
    `)
  })

  it('names room, chunks, chunk and owner in a key', () => {
    const key = { room: 'r', chunks: 4, index: 3, owner: 17 }
    expect(chunkKey(key)).toBe('r\u00004\u00003\u000017')
    expect(parseChunkKey(chunkKey(key))).toEqual(key)
  })
})
