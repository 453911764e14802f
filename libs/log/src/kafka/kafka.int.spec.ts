/** The contract on a real broker: one that the run starts itself, or the one of ROOMLOG_TEST_KAFKA. */
import { randomBytes } from 'node:crypto'
import { Producer } from '@platformatic/kafka'
import { kafkaForTests } from '@roomlog/testing'
import { afterAll, describe } from 'vitest'
import { logContract } from '../log.contract.js'
import { openLog } from '../open.js'
import { partitions } from '../stage.contract.js'

const kafka = await kafkaForTests()
afterAll(() => kafka?.stop())

describe.skipIf(!kafka)('Kafka', () => {
  logContract('kafka', async () => {
    const topicPrefix = `${randomBytes(4).toString('hex')}.`
    const planter = new Producer({ clientId: 'planter', bootstrapBrokers: kafka!.brokers.split(',') })
    return {
      open: () => openLog(kafka!.url, { partitions, topicPrefix }),
      plant: async (topic, partition, records) => {
        const messages = records.map(({ key, value, headers }) => ({
          topic: topicPrefix + topic,
          partition,
          key: key === null ? undefined : Buffer.from(key),
          value: value ?? undefined,
          headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
        }))
        await planter.send({ messages, acks: -1 })
      },
      remove: () => planter.close(true),
    }
  })
})
