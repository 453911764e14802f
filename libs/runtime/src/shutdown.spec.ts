import { expect, test } from 'vitest'
import { createLogger } from './logger.js'
import { Shutdown } from './shutdown.js'

const logger = createLogger({ service: 'test', level: 'silent' })

test('what was started last stops first, and a part that fails does not keep the others', async () => {
  const order: string[] = []
  const shutdown = new Shutdown({ logger, graceMs: 1_000 })
  shutdown.add('log', () => void order.push('log'))
  shutdown.add('broken', () => {
    throw new Error('no')
  })
  shutdown.add('listener', async () => void order.push('listener'))
  expect(await shutdown.run()).toBe(false)
  expect(order).toEqual(['listener', 'log'])
})

test('stopping twice is stopping once', async () => {
  let stopped = 0
  const shutdown = new Shutdown({ logger, graceMs: 1_000 })
  shutdown.add('part', () => void stopped++)
  expect(await Promise.all([shutdown.run(), shutdown.run()])).toEqual([true, true])
  expect(stopped).toBe(1)
})

test('a part that hangs is left behind when the grace is over', async () => {
  const shutdown = new Shutdown({ logger, graceMs: 20 })
  shutdown.add('never reached', () => expect.unreachable())
  shutdown.add('hangs', () => new Promise(() => {}))
  expect(await shutdown.run()).toBe(false)
})
