import type { RoomEvent } from '@roomlog/domain'
import { type Log, RoomlogError } from '@roomlog/log'
import { decodeRecord } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReferenceCache } from './references.js'
import { World } from './testing/world.js'

const create = { type: 'room.create', content: '{"access":"public"}' }

describe('a reference', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.close())

  const edit = (ref: string) => world.do({ type: 'msg.edit', ref, content: '{"body":"new"}' })
  /** The world's log, but for what a test says of `room.events`. */
  const changed = (range: { start?: number }, read?: () => Promise<never>) =>
    new Proxy(world.log, {
      get(target, name) {
        if (name === 'range') {
          return async (topic: string, partition: number) => ({
            ...(await target.range(topic, partition)),
            ...(topic === 'room.events' ? range : {}),
          })
        }
        if (name === 'read' && read) {
          return (topic: string, partition: number, from: number, options?: { bytesMax?: number }) =>
            topic === 'room.events' && options?.bytesMax === 1 ? read() : target.read(topic, partition, from, options)
        }
        const member = Reflect.get(target, name) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    }) as Log

  it('is found in memory, and in the log by the offset in its ID', async () => {
    const first = await world.owner()
    await world.do(create)
    const { ok } = await world.do({})
    expect((await edit(ok!.event)).ok?.seq).toBe(7)
    await first.stop()
    await world.owner({ cache: new ReferenceCache() })
    expect((await edit(ok!.event)).ok?.seq).toBe(8)
  })

  it('with a wrong check, of another room, of a mark or past the end is not found', async () => {
    await world.owner()
    await world.do(create)
    await world.do({ ...create, room: 's' })
    const { ok } = await world.do({})
    const other = await world.do({ room: 's' })
    const codes: string[] = []
    for (const ref of [
      ok!.event.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
      other.ok!.event,
      '0-0-AAAAAAAA',
      '0-999-AAAAAAAA',
      '7-1-AAAAAAAA',
      'x',
    ]) {
      codes.push((await edit(ref)).error?.code ?? 'ok')
    }
    expect(codes).toEqual(Array(6).fill('not_found'))
  })

  it('that cannot be read now is unavailable, never guessed', async () => {
    const first = await world.owner()
    await world.do(create)
    const { ok } = await world.do({})
    await first.stop()
    const log = changed({}, async () => {
      throw new RoomlogError('unavailable', 'no')
    })
    await world.owner({ log, cache: new ReferenceCache() })
    expect((await edit(ok!.event)).error).toMatchObject({ code: 'unavailable', retriable: true })
  })

  it('to what was trimmed from the log comes from history, or is unavailable', async () => {
    const first = await world.owner({ bounds: { checkpointEventsMax: 1 } })
    await world.do(create)
    const { ok } = await world.do({})
    const record = (await world.records()).at(-1)!
    await first.stop()
    const asked: string[] = []
    const history = {
      event: async (id: string): Promise<RoomEvent | undefined> => {
        asked.push(id)
        return decodeRecord(record)
      },
    }
    // The take-over needs the whole log here; what is trimmed is trimmed afterwards.
    let start = 0
    const log = changed({
      get start() {
        return start
      },
    } as { start: number })
    const second = await world.owner({ log, history, cache: new ReferenceCache() })
    start = 100
    expect((await edit(ok!.event)).ok?.seq).toBe(7)
    expect(asked).toEqual([ok!.event])
    await second.stop()
    start = 0
    await world.owner({ log, cache: new ReferenceCache() })
    start = 100
    expect((await edit(ok!.event)).error?.code).toBe('unavailable')
  })
})

describe('the cache of references', () => {
  it('is bounded by bytes, and keeps what is used', () => {
    const cache = new ReferenceCache(6_000)
    const event = (id: string) => ({ id }) as RoomEvent
    for (let i = 0; i < 100; i++) {
      cache.set(`${i}`, event(`${i}`), 300)
      if (i > 0) expect(cache.get('0')).toBeDefined()
      expect(cache.bytes).toBeLessThanOrEqual(6_000)
    }
    expect(cache.get('50')).toBeUndefined()
    expect(cache.get('99')).toBeDefined()
  })
})
