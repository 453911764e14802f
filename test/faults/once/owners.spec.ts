/** Owners that come and go, and answers that do not come: the log alone says what is true. */

import { setTimeout as sleep } from 'node:timers/promises'
import { startKafka } from '@roomlog/testing'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { campaign, type Fault, pause } from '../campaign.ts'
import { seedFromEnvironment } from '../random.ts'
import { expectClean, progress } from './verdict.ts'

const seed = seedFromEnvironment()
const small = { seed, rate: 100, rooms: 12, clients: 8, spacingMs: [1_000, 2_000] as [number, number], progress }

describe.skipIf(process.env.ROOMLOG_TEST_KAFKA === 'off')(`owners (seed ${seed})`, () => {
  test('an authority that is frozen, replaced and woken changes nothing that was decided', async () => {
    expectClean(await campaign({ ...small, shape: 'cluster', faults: [pause('acl-1'), pause('acl-2')] }))
  })

  test('a deleted consumer group changes nothing: ownership is for liveness only', async () => {
    let deleted = 0
    const deleteGroup: Fault = {
      name: 'delete the group',
      async inflict(deployment) {
        const authorities = ['acl-1', 'acl-2'].map((name) => deployment.service(name))
        await Promise.all(authorities.map((service) => service.kill('SIGTERM')))
        const { brokers, topicPrefix } = deployment.kafka!
        const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
        await admin.connect()
        await admin.deleteGroups([`${topicPrefix}roomlog-acl`])
        await admin.disconnect()
        deleted++
        await Promise.all(authorities.map((service) => service.restart()))
      },
    }
    expectClean(await campaign({ ...small, shape: 'cluster', faults: [deleteGroup] }))
    expect(deleted).toBe(1)
  })

  test('an append whose answer never comes is resolved from the log, never sent again', async () => {
    const kafka = await startKafka({ proxied: true })
    try {
      const stall: Fault = {
        name: 'the broker hears but does not answer',
        async inflict() {
          for (const proxy of kafka.proxies) proxy.stall('toSource')
          await sleep(4_000)
          for (const proxy of kafka.proxies) proxy.cut()
          for (const proxy of kafka.proxies) proxy.heal()
        },
      }
      expectClean(await campaign({ ...small, shape: 'kafka', brokers: kafka.brokers, faults: [stall, stall, stall] }))
    } finally {
      await kafka.stop()
    }
  })
})
