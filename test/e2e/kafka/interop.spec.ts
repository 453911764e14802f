/** Internal services with their own, unmodified clients: kafkajs, and Nest's ClientKafka. */
import 'reflect-metadata'
import { ClientKafka } from '@nestjs/microservices'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deployment, eventually, Person, unique } from '../world.ts'

const { topicPrefix, ...kafkaOptions } = deployment.kafka!
const brokers = kafkaOptions.brokers.split(',')
const topic = (name: string) => `${topicPrefix}${name}`
const kafka = new Kafka({ clientId: 'interop', brokers, logLevel: logLevel.NOTHING })
const producer = kafka.producer()

beforeAll(() => producer.connect())
afterAll(() => producer.disconnect())

async function consume(name: string, onMessage: (message: KafkaMessage) => void) {
  const consumer = kafka.consumer({ groupId: unique('reader') })
  await consumer.connect()
  await consumer.subscribe({ topic: topic(name), fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => onMessage(message) })
  return consumer
}

const value = (content: object, more: object = {}) => JSON.stringify({ type: 'msg.text', content, ...more })

test('an unmodified kafkajs producer publishes into a room', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  await producer.send({
    topic: topic('ingest.events'),
    messages: [{ key: room, value: value({ body: 'from kafkajs' }), headers: { 'roomlog-service': 'billing' } }],
  })
  const frame = await socket.next((candidate) => candidate.event?.content?.body === 'from kafkajs', 30_000)
  expect(frame.event.sender.id).toBe('billing')
})

test('raw JSON without any header is published too, and a repeat of its key is one event', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  const record = { key: room, value: value({ body: 'raw' }, { idempotencyKey: 'k1' }) }
  await producer.send({ topic: topic('ingest.events'), messages: [record, record, { key: room, value: value({ body: 'last' }) }] })
  await socket.next((candidate) => candidate.event?.content?.body === 'last', 30_000)
  expect(socket.events(room).map((frame) => frame.event.content.body)).toEqual(['raw', 'last'])
})

test('an unmodified Nest ClientKafka emits, and sends with a reply', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  const client = new ClientKafka({
    client: { clientId: 'nest', brokers, logLevel: logLevel.NOTHING },
    consumer: { groupId: unique('nest') },
  })
  client.subscribeToResponseOf(topic('ingest.events'))
  await client.connect()
  try {
    await firstValueFrom(client.emit(topic('ingest.events'), { key: room, value: value({ body: 'emitted' }) }))
    await socket.next((candidate) => candidate.event?.content?.body === 'emitted', 30_000)
    const reply: any = await firstValueFrom(client.send(topic('ingest.events'), { key: room, value: value({ body: 'sent' }) }))
    const frame = await socket.next((candidate) => candidate.event?.content?.body === 'sent', 30_000)
    expect(reply).toMatchObject({ event: frame.event.id, seq: frame.event.seq, position: frame.position })
    const refused = await firstValueFrom(client.send(topic('ingest.events'), { key: room, value: JSON.stringify({ type: 5 }) })).then(
      () => undefined,
      (error) => error,
    )
    expect(JSON.stringify(refused)).toContain('invalid')
  } finally {
    await client.close()
  }
})

test('a malformed record arrives in ingest.dead with its reason, and the next one is processed', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  const dead: KafkaMessage[] = []
  const reader = await consume('ingest.dead', (message) => dead.push(message))
  try {
    await producer.send({
      topic: topic('ingest.events'),
      messages: [
        { key: room, value: '{"type":', headers: { 'x-mine': 'kept' } },
        { key: room, value: value({ body: 'next' }) },
      ],
    })
    await socket.next((candidate) => candidate.event?.content?.body === 'next', 30_000)
    const letter = await eventually(() => dead.find((message) => message.key?.toString() === room), 30_000)
    expect(letter.value?.toString()).toBe('{"type":')
    expect(letter.headers?.reason?.toString()).toMatch(/invalid/)
    expect(letter.headers?.['x-mine']?.toString()).toBe('kept')
  } finally {
    await reader.disconnect()
  }
})

test('the log says to any Kafka consumer what clients see, and its key finds the partition', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const published = await anna.http.publish(room, 'seen in the log')
  const records: { partition: number; message: KafkaMessage }[] = []
  const consumer = kafka.consumer({ groupId: unique('reader') })
  await consumer.connect()
  await consumer.subscribe({ topic: topic('room.events'), fromBeginning: true })
  await consumer.run({ eachMessage: async ({ partition, message }) => void records.push({ partition, message }) })
  try {
    const { message } = await eventually(() => records.find(({ message }) => message.value?.toString().includes(published.event)), 30_000)
    expect(message.key?.toString()).toBe(room)
    expect(JSON.parse(message.value!.toString())).toMatchObject({
      id: published.event,
      seq: published.seq,
      content: { body: 'seen in the log' },
    })
    expect(message.headers?.offset?.toString()).toBe(message.offset)
    for (const name of ['v', 'cmd', 'seq', 'type', 'sender', 'sum']) expect(message.headers?.[name], name).toBeDefined()
  } finally {
    await consumer.disconnect()
  }
})
