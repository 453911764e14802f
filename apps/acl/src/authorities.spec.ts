import { randomUUID } from 'node:crypto'
import { type Log, openLog } from '@roomlog/log'
import { encodeCommand, topics } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Authorities } from './authorities.js'
import { bounds } from './bounds.js'
import { Figures } from './observer.js'
import { ReferenceCache } from './references.js'
import { domainRules } from './rules.js'
import { meddlingLog } from './testing/meddling-log.js'
import { until } from './testing/world.js'

describe('the authorities of a process', () => {
  let log: Log
  const started: Authorities[] = []
  beforeEach(async () => {
    log = await openLog(`memory:${randomUUID()}`, { partitions: 4 })
    await log.prepare(topics, 'relaxed')
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()))
    await log.close()
  })

  const start = async (on = log) => {
    const authorities = new Authorities({
      log: on,
      rules: domainRules(),
      observer: new Figures(),
      cache: new ReferenceCache(),
      newId: randomUUID,
    })
    started.push(authorities)
    await authorities.start()
    return authorities
  }
  const deciding = (of: Authorities) => of.status.filter(({ state }) => state === 'deciding').length
  const create = (room: string, partition: number) =>
    log.produce('room.commands', partition, [
      {
        key: room,
        value: encodeCommand({ type: 'room.create', room, sender: { id: 'ann' }, device: 'd', rights: {}, content: '{}' }),
        headers: { v: '1', origin: room },
      },
    ])

  it('hold one authority per partition and family, and share them with another process', async () => {
    const first = await start()
    await until(() => deciding(first) === 8)
    const second = await start()
    await until(() => deciding(first) === 4 && deciding(second) === 4)
    await first.stop()
    await until(() => deciding(second) === 8)
  })

  it('go on when the log no longer fails', async () => {
    let broken = true
    const on = meddlingLog(log, {
      append: async (next, records) => {
        if (broken && records.some(({ headers }) => headers?.['type'] === 'room.created')) throw new TypeError('a bug')
        return next()
      },
    })
    const authorities = await start(on)
    await until(() => deciding(authorities) === 8)
    for (let partition = 0; partition < 4; partition++) await create(`r${partition}`, partition)
    broken = false
    await until(async () => {
      const ends = await Promise.all([0, 1, 2, 3].map((partition) => log.range('room.events', partition)))
      return ends.reduce((sum, { end }) => sum + end, 0) >= 8 + 20
    })
  })

  it('say which partition is stopped and why, and go on with the others', async () => {
    const on = new Proxy(log, {
      get(target, name) {
        if (name === 'range') {
          return async (topic: string, partition: number) => {
            const range = await target.range(topic, partition)
            return topic === 'room.commands' && partition === 2 ? { start: 0, end: range.end - 1 } : range
          }
        }
        const member = Reflect.get(target, name) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    }) as Log
    const authorities = await start(on)
    await until(() => deciding(authorities) === 7)
    await until(() => authorities.status.some(({ state }) => state === 'stopped'))
    const stopped = authorities.status.find(({ state }) => state === 'stopped')
    expect(stopped).toMatchObject({ family: 'room', partition: 2, reason: expect.stringContaining('Repair: ') })
    expect(bounds.repairMs).toBeGreaterThan(1_000)
  })
})
