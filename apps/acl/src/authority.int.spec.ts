/** Two authorities on a real broker that both believe they own the partition, each with clients of its own: slow, never wrong. */
import { randomBytes } from 'node:crypto'
import { openLog } from '@roomlog/log'
import { kafkaForTests } from '@roomlog/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { World } from './testing/world.js'

const kafka = await kafkaForTests()
afterAll(() => kafka?.stop())

const actions = 200
const together = 20

describe.skipIf(!kafka)('two owners of one partition, on Kafka', () => {
  it('append one sequence, lose nothing and repeat nothing', async () => {
    const topicPrefix = `${randomBytes(4).toString('hex')}.`
    const open = () => openLog(kafka!.url, { partitions: 1, topicPrefix })
    const world = await World.on(await open())
    const other = await open()
    await Promise.all([world.owner(), world.owner({ log: other, bounds: { batchCommandsMax: 3 } })])
    await world.do({ type: 'room.create', content: '{"access":"public"}' })
    for (let first = 0; first < actions; first += together) {
      const { answer } = await world.send(Array.from({ length: together }, (_, i) => ({ actionId: first + i, digest: 'x' })))
      for (const reply of await Promise.all(answer)) expect(reply.ok).toBeDefined()
    }
    const events = (await world.records()).filter(({ headers }) => headers['seq'])
    const taken = events.filter(({ headers }) => headers['action']).map(({ headers }) => JSON.parse(headers['action']!).id)
    expect(taken).toEqual(Array.from({ length: actions }, (_, i) => i))
    expect(events.map(({ headers }) => Number(headers['seq']))).toEqual(events.map((_, index) => index + 1))
    expect(world.figures.get('conflicts')).toBeGreaterThan(0)
    await world.close()
    await other.close()
  })
})
