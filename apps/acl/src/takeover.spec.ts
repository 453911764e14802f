import { randomUUID } from 'node:crypto'
import { type Log, type LogRecord, RoomlogError } from '@roomlog/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Authority } from './authority.js'
import { meddlingLog } from './testing/meddling-log.js'
import { Random } from './testing/random.js'
import { noFaults, SimBroker, SimLog } from './testing/sim-log.js'
import { Stage } from './testing/stage.js'
import { until, World } from './testing/world.js'

const create = { type: 'room.create', content: '{"access":"public"}' }

describe('taking a partition over', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.close())

  it('begins a log with its incarnation, and marks every owner', async () => {
    await (await world.owner({ newId: () => 'first' })).stop()
    await (await world.owner({ newId: () => 'second' })).stop()
    const marks = (await world.records()).map(({ value }) => JSON.parse(value!.toString()))
    const incarnation = 'first'
    expect(marks).toEqual([
      { mark: 'incarnation', incarnation },
      { mark: 'owner', incarnation },
      { mark: 'owner', incarnation },
    ])
  })

  it('goes on after the last decided command', async () => {
    const first = await world.owner()
    await world.do(create)
    await first.stop()
    const { answer } = await world.send([{}, {}])
    await world.owner()
    expect((await Promise.all(answer)).map(({ ok }) => ok?.seq)).toEqual([6, 7])
  })

  it('needs only the checkpoint and what came after it', async () => {
    const first = await world.owner({ bounds: { checkpointEventsMax: 5 } })
    await world.do(create)
    for (let i = 0; i < 20; i++) await world.do({ actionId: i, digest: 'x' })
    await until(() => world.figures.get('checkpoints') > 0)
    await first.stop()
    const reads: number[] = []
    const log = new Proxy(world.log, {
      get(target, name) {
        if (name === 'read') {
          return (topic: string, partition: number, from: number, options: object) => {
            if (topic === 'room.events') reads.push(from)
            return target.read(topic, partition, from, options)
          }
        }
        const member = Reflect.get(target, name) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    await world.owner({ log: log as Log })
    expect(Math.min(...reads)).toBeGreaterThan(5)
    expect((await world.do({ actionId: 3, digest: 'x' })).ok?.seq).toBe(9)
    expect((await world.do({})).ok?.seq).toBe(26)
  })

  it('keeps the order of a device’s actions', async () => {
    const first = await world.owner()
    await world.do(create)
    const { answer } = await world.send([
      { actionId: 3, prevActionId: 2, digest: 'c' },
      { actionId: 2, prevActionId: 1, digest: 'b' },
    ])
    await until(() => first.status.parked === 2)
    await until(async () => (await world.records()).some(({ headers }) => headers['parked'] === '[1,2]'))
    await first.stop()
    const second = await world.owner()
    await until(() => second.status.parked === 2)
    const one = await world.do({ actionId: 1, digest: 'a' })
    expect([one, ...(await Promise.all(answer)).reverse()].map(({ ok }) => ok?.seq)).toEqual([6, 7, 8])
    await until(async () => (await world.records()).at(-1)!.headers['parked'] === '[]')
  })

  it('sends no time where nothing waits for one', async () => {
    await world.owner()
    await world.do(create)
    await world.do({ actionId: 1, digest: 'a' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(world.figures.get('timesPassed')).toBe(0)
  })

  it('does not make an action wait for one that was refused', async () => {
    await world.owner()
    await world.do(create)
    await world.do({ type: 'msg.edit', ref: '0-3-AAAAAAAA', actionId: 1, digest: 'a' })
    expect((await world.do({ actionId: 2, prevActionId: 1, digest: 'b' })).ok?.seq).toBe(6)
  })

  it('bounds how many wait', async () => {
    await world.owner({ bounds: { parkedMax: 3 } })
    await world.do(create)
    const { answer } = await world.send([10, 11, 12, 13].map((actionId) => ({ actionId, prevActionId: 1, digest: 'x' })))
    expect((await answer[3]!).error).toMatchObject({ code: 'limited', retriable: true })
  })

  it('stops where the commands log has lost what is decided, and says how to repair it', async () => {
    const first = await world.owner()
    await world.do(create)
    await first.stop()
    const log = new Proxy(world.log, {
      get(target, name) {
        if (name === 'range') {
          return async (topic: string, partition: number) =>
            topic === 'room.commands' ? { start: 0, end: 0 } : target.range(topic, partition)
        }
        const member = Reflect.get(target, name) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const second = world.start({ log: log as Log })
    await expect(second.ready).rejects.toThrow(/room.commands\/0 ends at 0.*Repair: /)
  })
})

/** Everything below runs on a simulated broker, whose records a test may take away. */
describe('a log that is not what it was', () => {
  const sim = () => {
    const stage = new Stage(new Random(1))
    const broker = new SimBroker(stage, 1)
    const world: { broker: SimBroker; drive: (what: () => boolean, msMax?: number) => Promise<void> } = {
      broker,
      drive: async (what, msMax = 100) => {
        for (let step = 0; step < 20_000 && !what(); step++) await stage.step(msMax)
        expect(what()).toBe(true)
      },
    }
    return { ...world, stage, log: () => new SimLog(broker, noFaults) }
  }
  const command = (room: string, n: number) => ({
    key: room,
    value: `{"type":"${n === 0 ? 'room.create' : 'msg.text'}","room":"${room}","sender":{"id":"ann"},"device":"d","rights":{},"content":{}}`,
    headers: { v: '1', origin: `${room}${n}` },
  })

  async function startOn(of: ReturnType<typeof sim>): Promise<Authority> {
    const { Authority } = await import('./authority.js')
    const { Figures } = await import('./observer.js')
    const { ReferenceCache } = await import('./references.js')
    const { domainRules } = await import('./rules.js')
    const authority = new Authority({
      log: of.log(),
      family: 'room',
      partition: 0,
      rules: domainRules(),
      observer: new Figures(),
      cache: new ReferenceCache(),
      newId: randomUUID,
      clock: of.stage,
      bounds: { checkpointEventsMax: 4, checkpointMsMax: 50 },
    })
    let settled = false
    authority.ready.then(
      () => (settled = true),
      () => (settled = true),
    )
    await of.drive(() => settled)
    return authority
  }

  const valid = (of: ReturnType<typeof sim>) =>
    of.broker.records('room.events', 0).filter((record): record is LogRecord => record !== undefined)
  const seqs = (of: ReturnType<typeof sim>) => valid(of).flatMap(({ headers }) => (headers['seq'] ? [Number(headers['seq'])] : []))
  const incarnations = (of: ReturnType<typeof sim>) => valid(of).filter(({ value }) => value!.includes('"mark":"incarnation"')).length

  it('begins a new incarnation where the log is shorter than its checkpoint, and what was lost is decided again', async () => {
    const of = sim()
    const first = await startOn(of)
    of.broker.write(
      'room.commands',
      0,
      Array.from({ length: 12 }, (_, n) => command('r', n)),
    )
    await of.drive(() => first.status.cmd === 11 && of.broker.records('room.state', 0).some((record) => record?.key === 'head'))
    await of.drive(() => first.status.checkpointAt! > 0)
    const lastHead = JSON.parse(
      of.broker
        .records('room.state', 0)
        .findLast((record) => record?.key === 'head')!
        .value!.toString(),
    )
    // A log loses whole batches.
    const lost = valid(of).findLast(
      ({ offset, headers }) => offset < lastHead.last.offset && headers['cmd'] !== valid(of)[offset + 1]!.headers['cmd'],
    )!
    of.broker.lose('room.events', 0, lost.offset + 1)
    const before = seqs(of).length
    const second = await startOn(of)
    await of.drive(() => second.status.cmd === 11)
    expect(incarnations(of)).toBe(2)
    expect(seqs(of)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1))
    expect(before).toBeLessThan(16)
  })

  it('ends the wait for an action that never comes after 10 s of the log’s time, by a command that tells the time', async () => {
    const of = sim()
    const authority = await startOn(of)
    const waiting = command('r', 1)
    const value = waiting.value.replace('"device"', '"actionId":3,"prevActionId":2,"device"')
    const began = of.stage.now()
    of.broker.write('room.commands', 0, [command('r', 0), { ...waiting, value, headers: { ...waiting.headers, reply: '0:q' } }])
    await of.drive(() => authority.status.parked === 1)
    let stopped = false
    void authority.stop().then(() => (stopped = true))
    await of.drive(() => stopped)
    const second = await startOn(of)
    await of.drive(() => of.broker.records('room.replies', 0).length > 0, 20_000)
    expect(JSON.parse(of.broker.records('room.replies', 0)[0]!.value!.toString()).error).toMatchObject({
      code: 'action_gap',
      retriable: true,
    })
    expect(of.stage.now() - began).toBeGreaterThanOrEqual(10_000)
    expect(of.broker.records('room.commands', 0).filter((record) => record!.value!.includes('time.passed'))).toHaveLength(1)
    expect(second.status.parked).toBe(0)
  })

  it('counts the commands that were trimmed before anybody decided them, and goes on', async () => {
    const of = sim()
    of.broker.write(
      'room.commands',
      0,
      Array.from({ length: 5 }, (_, n) => command('r', n)),
    )
    of.broker.trim('room.commands', 0, 3)
    of.broker.write('room.commands', 0, [command('s', 0)])
    const authority = await startOn(of)
    await of.drive(() => authority.status.cmd === 5)
    expect(valid(of).some(({ key }) => key === 's')).toBe(true)
  })

  it('stops where records are gone that no checkpoint covers', async () => {
    const of = sim()
    const first = await startOn(of)
    of.broker.write('room.commands', 0, [command('r', 0)])
    await of.drive(() => first.status.cmd === 0)
    of.broker.lose('room.state', 0, 0)
    of.broker.trim('room.events', 0, 4)
    const second = await startOn(of)
    await expect(second.ready).rejects.toThrow(/begins at 4, but the checkpoint ends at 0/)
  })
})

describe('two owners of one partition', () => {
  it('append one sequence, lose nothing and repeat nothing', async () => {
    const world = await World.open()
    await Promise.all([world.owner(), world.owner({ bounds: { batchCommandsMax: 3 } })])
    await world.do(create)
    for (let round = 0; round < 10; round++) {
      const { answer } = await world.send(Array.from({ length: 20 }, (_, i) => ({ actionId: round * 20 + i, digest: 'x' })))
      for (const reply of await Promise.all(answer)) expect(reply.ok).toBeDefined()
    }
    const records = (await world.records()).filter(({ headers }) => headers['action'])
    expect(records.map(({ headers }) => JSON.parse(headers['action']!).id)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(world.figures.get('conflicts')).toBeGreaterThan(0)
    await world.close()
  })

  it('a paused one writes nothing that counts, neither events nor checkpoints', async () => {
    const world = await World.open()
    let resume: (() => void) | undefined
    let paused: Promise<void> | undefined
    const log = meddlingLog(world.log, {
      append: async (next) => {
        await paused
        return next()
      },
      produce: async (next, topic) => {
        if (topic === 'room.state') await paused
        return next()
      },
    })
    const bounds = { checkpointEventsMax: 6, chunkBytesMax: 400 }
    const first = await world.owner({ log, bounds })
    await world.do(create)
    paused = new Promise((resolve) => (resume = resolve))
    await world.send([{}, {}, {}])
    const second = await world.owner({ bounds })
    await world.do({ type: 'member.ban', user: 'bob' })
    for (let i = 0; i < 20; i++) await world.do({})
    resume!()
    paused = undefined
    await until(() => world.figures.get('conflicts') > 0)
    await first.stop()
    await second.stop()
    const third = await world.owner()
    const records = (await world.records()).filter(({ headers }) => headers['seq'])
    expect(records.map(({ headers }) => Number(headers['seq']))).toEqual(records.map((_, index) => index + 1))
    expect((await world.do({ type: 'member.join', sender: { id: 'bob' } })).error?.code).toBe('banned')
    expect(third.status.rooms).toBe(1)
    await world.close()
  })

  it('throws a failure that is not worth another try', async () => {
    const world = await World.open()
    const log = meddlingLog(world.log, {
      append: async () => {
        throw new RoomlogError('damaged', 'broken')
      },
    })
    await expect(world.start({ log }).ready).rejects.toThrow('broken')
    await world.close()
  })
})
