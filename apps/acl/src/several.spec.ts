import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { meddlingLog } from './testing/meddling-log.js'
import { until, World } from './testing/world.js'

describe('a command that several entities decide', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open(2)
    for (const partition of [0, 1]) await world.owners({ partition })
  })
  afterEach(() => world.close())

  const create = (room: string, content: object) => world.do({ type: 'room.create', room, content: JSON.stringify(content) })

  it('creates a room with an alias, and only the last step answers', async () => {
    expect((await create('r', { access: 'public', alias: 'x' })).ok).toMatchObject({ room: 'r', seq: 6 })
    expect(await world.types('#x')).toEqual(['alias.claim'])
    expect(await world.types('r')).toContain('room.alias')
  })

  it('gives one of two rooms the alias', async () => {
    const replies = await Promise.all([create('r', { alias: 'x' }), create('s', { alias: 'x' })])
    expect(replies.map(({ error }) => error?.code ?? 'ok').sort()).toEqual(['alias_taken', 'ok'])
  })

  it('gives the alias back when the room then refuses', async () => {
    await create('r', { access: 'public' })
    const refused = await create('r', { access: 'public', alias: 'x' })
    expect(refused.error?.code).toBe('conflict')
    expect((await create('s', { alias: 'x' })).ok?.room).toBe('s')
  })

  it('lets in who is a member of a named room, and nobody else', async () => {
    await create('base', { access: 'public' })
    await world.do({ type: 'member.join', room: 'base', sender: { id: 'bob' } })
    await create('inner', { access: 'restricted', accessRooms: ['nowhere', 'base'] })
    const join = (id: string) => world.do({ type: 'member.join', room: 'inner', sender: { id } })
    expect((await join('bob')).ok?.room).toBe('inner')
    expect((await join('cai')).error?.code).toBe('forbidden')
    const records = await world.records('room', 0).then(async (zero) => [...zero, ...(await world.records('room', 1))])
    const joined = records.find(({ key, headers, value }) => key === 'inner' && headers['type'] === 'member.join' && value!.includes('bob'))
    expect(joined!.value!.toString()).toContain('"vouchedBy":"base"')
  })

  it('tells inboxes, and carries a profile into every room', async () => {
    for (const room of ['r', 's', 't']) await create(room, { access: 'public' })
    await until(async () => (await world.types('@ann')).length === 3)
    await world.do({ type: 'profile.set', room: '@ann', content: '{"name":"Ann"}' })
    for (const room of ['r', 's', 't']) await until(async () => (await world.types(room)).includes('member.profile'))
    expect(await world.types('@ann')).toEqual(['room.joined', 'room.joined', 'room.joined', 'profile.changed'])
  })
})

describe('follow-ups', () => {
  it('arrive once each, in order, though their source crashes before it knows that they did', async () => {
    const world = await World.open()
    let crashed = false
    const log = meddlingLog(world.log, {
      produce: async (next, topic) => {
        const outcome = await next()
        if (topic === 'user.commands' && crashed) await new Promise(() => {})
        return outcome
      },
    })
    await world.owner({ family: 'user' })
    const first = await world.owner({ log })
    await world.do({ type: 'room.create', room: 'r0', content: '{"access":"public"}' })
    crashed = true
    for (const room of ['r1', 'r2', 'r3']) await world.do({ type: 'room.create', room, content: '{"access":"public"}' })
    void first.stop()
    await world.owner()
    await until(async () => (await world.types('@ann')).length === 4)
    const told = (await world.records('user'))
      .filter(({ headers }) => headers['seq'])
      .map(({ value }) => JSON.parse(value!.toString()).content.room)
    expect(told).toEqual(['r0', 'r1', 'r2', 'r3'])
    await until(() => world.figures.get('decided', 'dropped') >= 1)
    await world.close()
  })
})
