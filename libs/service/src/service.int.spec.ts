/** The module inside a real Nest application, on a real broker; the door is played by Nest's own Kafka server. */
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { Controller, Inject, Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientKafka, MessagePattern, Payload, RpcException } from '@nestjs/microservices'
import type { RoomEvent } from '@roomlog/domain'
import { type Log, openLog } from '@roomlog/log'
import { encodeEvent, topics } from '@roomlog/protocol'
import { kafkaForTests } from '@roomlog/testing'
import { Kafka, logLevel } from 'kafkajs'
import { firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  PublishRefused,
  RoomlogFollower,
  RoomlogModule,
  type RoomlogOptions,
  RoomlogPublisher,
  requestsTopic,
  requestsTransport,
} from './index.js'

const kafka = await kafkaForTests()
const topicPrefix = `${randomBytes(4).toString('hex')}.`
const brokers = kafka?.brokers.split(',') ?? []
const options: RoomlogOptions = { brokers, service: 'billing', topicPrefix, timeoutMs: 10_000 }

@Controller()
class Door {
  @MessagePattern<string>(`${topicPrefix}ingest.events`)
  take(@Payload() wish: { room: string; type: string }) {
    if (wish.type === 'bad') throw new RpcException({ code: 'invalid', message: 'no', retriable: false })
    return { event: '0-1-aaaaaaaa', room: wish.room, seq: 1, position: 'p' }
  }

  @MessagePattern<string>(requestsTopic('billing', topicPrefix))
  answer(@Payload() request: { method: string }) {
    return { answered: request.method }
  }
}

@Injectable()
class Invoices {
  constructor(
    @Inject(RoomlogPublisher) readonly publisher: RoomlogPublisher,
    @Inject(RoomlogFollower) readonly follower: RoomlogFollower,
  ) {}
}

@Module({ imports: [RoomlogModule.register(options)], controllers: [Door], providers: [Invoices] })
class AppModule {}

describe.skipIf(!kafka)('a service', () => {
  let log: Log
  let app: Awaited<ReturnType<typeof NestFactory.createMicroservice>>
  let invoices: Invoices

  beforeAll(async () => {
    log = await openLog(kafka!.url, { partitions: 2, topicPrefix })
    await log.prepare(topics, 'relaxed')
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.createTopics({
      topics: [requestsTopic('billing', topicPrefix), `${requestsTopic('billing', topicPrefix)}.reply`].map((topic) => ({
        topic,
        numPartitions: 1,
      })),
    })
    await admin.disconnect()
    app = await NestFactory.createMicroservice(AppModule, { ...requestsTransport(options), logger: false })
    await app.listen()
    invoices = app.get(Invoices)
  }, 120_000)
  afterAll(async () => {
    await app?.close()
    await log?.close()
    await kafka?.stop()
  }, 60_000)

  it('sends and is told what was appended, or why nothing was', async () => {
    await invoices.publisher.emit({ room: 'r', type: 'good' })
    expect(await invoices.publisher.send({ room: 'r', type: 'good', content: {} })).toEqual({
      event: '0-1-aaaaaaaa',
      room: 'r',
      seq: 1,
      position: 'p',
    })
    const refused = await invoices.publisher.send({ room: 'r', type: 'bad' }).catch((error) => error)
    expect(refused).toBeInstanceOf(PublishRefused)
    expect(refused.error).toMatchObject({ code: 'invalid', retriable: false })
  })

  it('follows the events of rooms, and neither marks nor void records', async () => {
    const seen: RoomEvent[] = []
    await invoices.follower.follow((event) => void seen.push(event), { rooms: ['r'], fromBeginning: true })
    const event = (seq: number): RoomEvent => ({
      id: `0-${seq}-aaaaaaaa`,
      room: 'r',
      seq,
      type: 't',
      sender: { id: 'a' },
      at: 1,
      content: '{"n":1.0}',
    })
    const draft = (seq: number) => ({
      key: 'r',
      value: encodeEvent(event(seq)),
      headers: { v: '1', cmd: '0', seq: String(seq), type: 't' },
    })
    await log.append('room.events', 0, 0, [{ key: null, value: '{"mark":"owner"}', headers: { v: '1', cmd: '0' } }, draft(1)])
    const rival = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer()
    await rival.connect()
    const late = { key: 'r', value: encodeEvent(event(2)), headers: { offset: '1', seq: '2', type: 't' } }
    await rival.send({ topic: `${topicPrefix}room.events`, messages: [{ ...late, partition: 0 }] })
    await rival.disconnect()
    await log.append('room.events', 0, 3, [draft(2), { ...draft(1), key: 'other' }])
    await vi.waitFor(() => expect(seen.map(({ id }) => id)).toEqual(['0-1-aaaaaaaa', '0-2-aaaaaaaa']), { timeout: 30_000, interval: 100 })
    expect(seen[0]?.content).toBe('{"n":1.0}')
  }, 60_000)

  it('answers calls as Nest services do', async () => {
    const topic = requestsTopic('billing', topicPrefix)
    const client = new ClientKafka({ client: { brokers, logLevel: logLevel.NOTHING }, consumer: { groupId: `${topicPrefix}caller` } })
    client.subscribeToResponseOf(topic)
    await client.connect()
    expect(await firstValueFrom(client.send(topic, { method: 'interpret' }))).toEqual({ answered: 'interpret' })
    await client.close()
  })
})
