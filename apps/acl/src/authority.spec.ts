import { RoomlogError } from '@roomlog/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { domainRules } from './rules.js'
import { meddlingLog } from './testing/meddling-log.js'
import { until, World } from './testing/world.js'

const create = { type: 'room.create', content: '{"access":"public"}' }

describe('an authority', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.close())

  it('creates a room, takes a message and answers with its place', async () => {
    await world.owner()
    expect((await world.do(create)).ok).toMatchObject({ room: 'r', seq: 5 })
    const { ok } = await world.do({ content: '{"n": 1.0}' })
    const records = await world.records()
    expect(records.map(({ headers }) => headers['type'] ?? 'mark')).toEqual([
      'mark',
      'mark',
      'room.created',
      'member.join',
      'room.power',
      'room.access',
      'room.history',
      'msg.text',
    ])
    const last = records.at(-1)!
    expect(ok).toMatchObject({ room: 'r', seq: 6, event: expect.stringMatching(/^0-7-/) })
    expect(last.value!.toString()).toContain(`"id":"${ok!.event}","room":"r","seq":6,"type":"msg.text"`)
    expect(last.value!.toString()).toContain('"content":{"n": 1.0}')
    expect(last.headers).toMatchObject({
      v: '1',
      offset: '7',
      cmd: '1',
      seq: '6',
      type: 'msg.text',
      sender: 'ann',
      device: 'd',
      origin: 'q1',
    })
  })

  it('appends the first command at once, and what waits meanwhile in one batch', async () => {
    const sizes: number[] = []
    const log = meddlingLog(world.log, {
      append: async (next, records) => {
        sizes.push(records.length)
        await new Promise((resolve) => setTimeout(resolve, 20))
        return next()
      },
    })
    await world.owner({ log })
    await world.do(create)
    sizes.length = 0
    const first = await world.send([{}])
    await until(() => sizes.length === 1)
    const rest = await world.send(Array.from({ length: 30 }, () => ({})))
    await Promise.all([...first.answer, ...rest.answer])
    expect(sizes).toEqual([1, 30])
  })

  it('answers a refusal only when a mark covers it, within the time of one', async () => {
    await world.owner()
    const { error } = await world.do({ room: 'nowhere' })
    expect(error?.code).toBe('not_found')
    const mark = (await world.records()).at(-1)!
    expect(mark.headers['cmd']).toBe('0')
    expect(JSON.parse(mark.value!.toString())).toEqual({ mark: 'decided' })
  })

  it('needs few marks for many refusals', async () => {
    await world.owner()
    for (let i = 0; i < 40; i++) {
      const { answer } = await world.send([{ room: 'nowhere' }, { room: 'nowhere' }])
      await answer[0]
    }
    expect(world.figures.get('decided', 'not_found')).toBe(80)
    expect(world.figures.get('marks')).toBeLessThanOrEqual(42)
  })

  it('answers the same action with its first result', async () => {
    await world.owner()
    await world.do(create)
    const first = await world.do({ actionId: 7, digest: 'x' })
    const again = await world.do({ actionId: 7, digest: 'x' })
    expect({ ...again, id: '' }).toEqual({ ...first, id: '' })
    expect((await world.do({ actionId: 7, digest: 'y' })).error).toMatchObject({ code: 'conflict', lastActionId: 7 })
  })

  it('keeps a poisoned command from harming others, and copies it to the dead letters', async () => {
    const rules = domainRules()
    const decide: typeof rules.decide = (state, command, referenced) => {
      if (command.type === 'msg.bomb') throw new Error('boom')
      return rules.decide(state, command, referenced)
    }
    await world.owner({ rules: { ...rules, decide } })
    await world.do(create)
    const { answer } = await world.send([{}, { type: 'msg.bomb', content: '{"secret":1}' }, {}])
    expect((await Promise.all(answer)).map((reply) => reply.error?.code ?? 'ok')).toEqual(['ok', 'internal', 'ok'])
    const { records } = await world.log.read('ingest.dead', 0, 0)
    expect(records).toHaveLength(1)
    expect(records[0]!.headers).toMatchObject({ reason: 'boom', source: 'room.commands/0:2' })
    expect(records[0]!.value!.toString()).toContain('msg.bomb')
  })

  it('refuses a record that is no command, and goes on', async () => {
    await world.owner()
    await world.log.produce('room.commands', 0, [{ key: 'r', value: 'not json', headers: { v: '1', origin: 'x' } }])
    expect((await world.do(create)).ok?.seq).toBe(5)
    expect(world.figures.get('poison')).toBe(1)
  })

  it('takes nothing of a command whose events cannot all be folded', async () => {
    const rules = domainRules()
    const evolveEntry: typeof rules.evolveEntry = (key, entry, event) => {
      if (event.type === 'room.access') throw new Error('cannot')
      return rules.evolveEntry(key, entry, event)
    }
    await world.owner({ rules: { ...rules, evolveEntry } })
    expect((await world.do(create)).error?.code).toBe('internal')
    expect(await world.types('r')).toEqual([])
    expect((await world.do({})).error?.code).toBe('not_found')
  })

  it('stops a room whose events cannot be folded, and no other', async () => {
    const first = await world.owner()
    await world.do(create)
    await world.do({ ...create, room: 'other' })
    await world.do({ type: 'msg.bomb' })
    await first.stop()
    const rules = domainRules()
    const touches: typeof rules.touches = (event) => {
      if (event.type === 'msg.bomb') throw new Error('cannot')
      return rules.touches(event)
    }
    const second = await world.owner({ rules: { ...rules, touches } })
    expect((await world.do({})).error?.code).toBe('internal')
    expect((await world.do({ room: 'other' })).ok?.seq).toBe(6)
    expect(world.figures.get('roomsStopped')).toBe(1)
    await second.stop()
    await world.owner()
    expect((await world.do({})).ok?.seq).toBe(7)
  })

  it('knows from the log that a batch was taken although its answer was lost', async () => {
    let lose = false
    const log = meddlingLog(world.log, {
      append: async (next) => {
        const outcome = await next()
        if (!lose) return outcome
        lose = false
        throw new RoomlogError('unknown', 'time-out')
      },
    })
    await world.owner({ log })
    await world.do(create)
    lose = true
    expect((await world.do({})).ok?.seq).toBe(6)
    lose = true
    expect((await world.do({ room: 'nowhere' })).error?.code).toBe('not_found')
    expect(await world.types('r')).toHaveLength(6)
    expect(world.figures.get('unknownsTaken')).toBe(2)
  })

  it('decides again what was not taken, and what comes too late is void', async () => {
    let late: (() => Promise<unknown>) | undefined
    let hold = false
    const log = meddlingLog(world.log, {
      append: async (next) => {
        if (!hold) return next()
        hold = false
        late = next
        throw new RoomlogError('unknown', 'time-out')
      },
    })
    await world.owner({ log })
    await world.do(create)
    hold = true
    expect((await world.do({})).ok?.seq).toBe(6)
    await late!()
    expect((await world.do({})).ok?.seq).toBe(7)
    expect(await world.types('r')).toHaveLength(7)
  })

  it('gives up where an append can never succeed', async () => {
    const log = meddlingLog(world.log, {
      append: async (next, records) => {
        if (records.some(({ headers }) => headers?.['type'] === 'msg.text')) throw new RoomlogError('damaged', 'the disk is broken')
        return next()
      },
    })
    const authority = await world.owner({ log })
    await world.do(create)
    await world.send([{}])
    await expect(authority.ended).rejects.toThrow('the disk is broken')
  })

  it('answers what is decided before it hands over', async () => {
    const authority = await world.owner()
    await world.do({ room: 'nowhere' })
    const { answer } = await world.send([{ room: 'nowhere' }])
    await until(() => authority.status.waiting === 0)
    await authority.stop()
    expect((await answer[0]!).error?.code).toBe('not_found')
  })
})

describe('a command in the wrong partition', () => {
  it('is decided in the right one, once, and answered', async () => {
    const world = await World.open(2)
    await Promise.all([world.owner({ partition: 0 }), world.owner({ partition: 1 })])
    await world.do({ ...create, room: 'r1' })
    await world.do({ ...create, room: 'r4' })
    const types = async () => [await world.types('r1'), await world.types('r4')]
    const before = await types()
    const answers: string[] = []
    world.log.tail('room.replies', 1, 0, ({ records }) => void answers.push(...records.map(({ key }) => key!)))
    const value = (room: string) => `{"type":"msg.text","room":"${room}","sender":{"id":"ann"},"device":"d","rights":{},"content":{}}`
    for (const partition of [0, 1]) {
      await world.log.produce(
        'room.commands',
        partition,
        ['r1', 'r4'].map((room) => ({
          key: room,
          value: value(room),
          headers: { v: '1', origin: `${partition}${room}`, reply: `1:${partition}${room}` },
        })),
      )
    }
    await until(() => answers.length === 4)
    expect((await types()).map((list) => list.length)).toEqual(before.map((list) => list.length + 2))
    expect(world.figures.get('decided', 'redirected')).toBe(2)
    await world.close()
  })
})
