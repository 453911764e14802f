/** The door for internal services on a real broker, with their own, unmodified clients. */
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { ClientKafka } from '@nestjs/microservices'
import { kafkaForTests } from '@roomlog/testing'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Stage, startStage } from './testing/stage.js'

const kafka = await kafkaForTests()
const topicPrefix = `${randomBytes(4).toString('hex')}.`
const topic = `${topicPrefix}ingest.events`
const text = (content: unknown, more: object = {}) => JSON.stringify({ type: 'msg.text', content, ...more })

describe.skipIf(!kafka)('on Kafka', () => {
  let stage: Stage
  let producer: Producer
  const start = () => startStage({ ROOMLOG_LOG_URL: kafka!.url, ROOMLOG_TOPIC_PREFIX: topicPrefix })

  beforeAll(async () => {
    stage = await start()
    producer = new Kafka({ clientId: 'test', brokers: kafka!.brokers.split(','), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
  }, 120_000)
  afterAll(async () => {
    await producer?.disconnect()
    await stage?.close()
    await kafka?.stop()
  }, 60_000)

  const commandsOf = (room: string) => stage.authority.commands.filter((command) => command.room === room)
  const arrived = (room: string, count: number) =>
    vi.waitFor(() => expect(commandsOf(room).length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 50 })

  it('an unmodified kafkajs producer publishes, in order, content to the byte', async () => {
    const content = '{ "n":12345678901234567890.0 }'
    const messages = Array.from({ length: 50 }, (_, n) => ({ key: 'kafkajs', value: text(n), headers: { 'roomlog-service': 'billing' } }))
    await producer.send({ topic, messages: [...messages, { key: 'kafkajs', value: `{"content":${content},"type":"t"}` }] })
    await arrived('kafkajs', 51)
    expect(commandsOf('kafkajs').map((command) => command.content)).toEqual([...Array.from({ length: 50 }, (_, n) => String(n)), content])
    expect(commandsOf('kafkajs')[0]).toMatchObject({
      sender: { id: 'billing' },
      origin: expect.stringMatching(/^ingest\.events\/\d+:\d+$/),
    })
  })

  it('a Nest client emits, and sends with a reply or a refusal', async () => {
    const brokers = kafka!.brokers.split(',')
    const client = new ClientKafka({
      client: { clientId: 'nest', brokers, logLevel: logLevel.NOTHING },
      consumer: { groupId: `${topicPrefix}nest` },
    })
    client.subscribeToResponseOf(topic)
    await client.connect()
    try {
      await firstValueFrom(client.emit(topic, { key: 'nest', value: { type: 'msg.text', content: { n: 1 } } }))
      await arrived('nest', 1)
      expect(await firstValueFrom(client.send(topic, { key: 'nest', value: text(2) }))).toMatchObject({ room: 'nest', seq: 2 })
      const refused = await firstValueFrom(client.send(topic, { key: 'nest', value: text(3, { type: 5 }) })).catch((error) => error)
      expect(JSON.stringify(refused)).toContain('invalid')
      stage.authority.decide = () => ({ code: 'banned', message: 'b', retriable: false })
      const banned = await firstValueFrom(client.send(topic, { key: 'nest', value: text(4) })).catch((error) => error)
      expect(JSON.stringify(banned)).toContain('banned')
    } finally {
      stage.authority.decide = () => undefined
      await client.close()
    }
  })

  it('a malformed record lies in ingest.dead with its reason, and the next one is processed', async () => {
    await producer.send({
      topic,
      messages: [
        { key: 'dead', value: '{"type":', headers: { 'x-mine': '{"kept":1}' } },
        { key: 'dead', value: null },
        { key: 'dead', value: text(1) },
      ],
    })
    await arrived('dead', 1)
    const batches = await Promise.all(Array.from({ length: 4 }, (_, partition) => stage.log.read('ingest.dead', partition, 0)))
    const letters = batches.flatMap(({ records }) => records).filter(({ key }) => key === 'dead')
    expect(letters.map(({ value }) => value?.toString() ?? null)).toEqual(['{"type":', null])
    expect(letters[0]?.headers).toMatchObject({ reason: expect.stringMatching(/^invalid: /), 'x-mine': '{"kept":1}' })
  })

  it('what came while the door was away is taken when it is back, and nothing twice', async () => {
    await producer.send({ topic, messages: [{ key: 'away', value: text(1) }] })
    await arrived('away', 1)
    const before = commandsOf('away').map(({ origin }) => origin)
    await stage.close()
    await producer.send({ topic, messages: [{ key: 'away', value: text(2) }] })
    stage = await start()
    await arrived('away', 2)
    const origins = commandsOf('away').map(({ origin }) => origin)
    expect(origins.slice(0, 1)).toEqual(before)
    expect(new Set(origins).size).toBe(2)
  }, 60_000)

  it('a reply topic that does not exist costs only the reply', async () => {
    const headers = { kafka_correlationId: 'c', kafka_replyTopic: 'nobody.made.this.reply' }
    await producer.send({
      topic,
      messages: [
        { key: 'lost', value: text(1), headers },
        { key: 'lost', value: text(2) },
      ],
    })
    await arrived('lost', 2)
    await vi.waitFor(() => expect(stage.lines.join()).toContain('could not be sent'), { timeout: 20_000, interval: 100 })
  })
})
