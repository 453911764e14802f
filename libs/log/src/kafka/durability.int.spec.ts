/** Topics that somebody else created, on a real broker: what is refused, and what the refusal says. */
import { randomBytes } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import { kafkaForTests } from '@roomlog/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RoomlogError } from '../failure.js'
import { openLog } from '../open.js'
import { specs } from '../stage.contract.js'

const partitions = 3
const kafka = await kafkaForTests()
afterAll(() => kafka?.stop())

describe.skipIf(!kafka)('topics that were there before', () => {
  let admin: Admin
  beforeAll(() => {
    admin = new Admin({ clientId: 'tests', bootstrapBrokers: kafka!.brokers.split(',') })
  })
  afterAll(() => new Promise<void>((resolve) => admin.close(() => resolve())))

  async function with_(found: Record<string, { partitions?: number; configs?: Record<string, string> }>) {
    const topicPrefix = `${randomBytes(4).toString('hex')}.`
    for (const [name, { partitions: count = partitions, configs = {} }] of Object.entries(found)) {
      const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      await admin.createTopics({ topics: [topicPrefix + name], partitions: count, replicas: 1, configs: settings })
    }
    const log = await openLog(kafka!.url, { partitions, topicPrefix })
    onTestFinished(() => log.close())
    return { log, topicPrefix }
  }

  const refusal = (log: Awaited<ReturnType<typeof with_>>['log'], durability: 'strict' | 'relaxed') =>
    log.prepare(specs, durability).then(
      () => undefined,
      (error: RoomlogError) => error,
    )

  it('are created so that strict takes them', async () => {
    const { log } = await with_({})
    expect(await log.prepare(specs, 'strict')).toEqual({ created: specs.map((spec) => spec.name), risks: [] })
    expect((await log.inspect(specs)).map(({ exists, findings }) => [exists, findings])).toEqual(specs.map(() => [true, []]))
  })

  it('are refused by strict where a power loss would take what was acknowledged, with every topic, reason and remedy', async () => {
    const { log, topicPrefix } = await with_({
      'room.events': { configs: { 'retention.ms': '3600000', 'flush.messages': '1', 'unclean.leader.election.enable': 'true' } },
      'room.state': { configs: { 'cleanup.policy': 'compact' } },
      'room.replies': {},
    })
    const error = (await refusal(log, 'strict'))!
    expect(error).toMatchObject({ code: 'not_durable', retriable: false })
    expect(error.message).toContain(`${topicPrefix}room.events forgets events after 3600000 ms — kafka-configs.sh`)
    expect(error.message).toContain('retention.ms=-1')
    expect(error.message).toContain(`${topicPrefix}room.events may elect a leader that lacks acknowledged records`)
    expect(error.message).toContain(`${topicPrefix}room.state has 1 copy and no flush`)
    expect(error.message).toContain('flush.messages=1')
    expect(error.message).not.toContain('room.replies')
    const { risks } = await log.prepare(specs, 'relaxed')
    expect(risks).toHaveLength(3)
  })

  it('are refused always where nothing can run on them', async () => {
    const { log } = await with_({ 'room.events': { partitions: 5, configs: { 'cleanup.policy': 'compact' } }, 'room.commands': {} })
    const error = (await refusal(log, 'relaxed'))!
    expect(error.code).toBe('invalid')
    for (const text of ['has 5 partitions, not 3', 'ROOMLOG_PARTITIONS=5', 'is compacted', "keeps the sender's time"])
      expect(error.message).toContain(text)
  })
})
