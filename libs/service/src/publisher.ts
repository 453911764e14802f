import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { ClientKafka } from '@nestjs/microservices'
import { firstValueFrom, timeout } from 'rxjs'
import { clientOptions, type RoomlogOptions, SERVICE_OPTIONS } from './options.js'
import { type Publication, type Published, recordOf } from './publication.js'

const timeoutMsDefault = 12_000

/** The outcome of `send` where it is no event: `code`, `message`, `retriable` … as over every other door. */
export class PublishRefused extends Error {
  constructor(readonly error: { code: string; message: string; retriable: boolean; [more: string]: unknown }) {
    super(`${error.code}: ${error.message}`)
    this.name = 'PublishRefused'
  }
}

/**
 * Publishes into rooms, in the service's own name. Records of one room keep their order.
 * `emit` resolves when Kafka has the record; `send` when the event is appended.
 */
@Injectable()
export class RoomlogPublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly client: ClientKafka
  private readonly topic: string

  constructor(@Inject(SERVICE_OPTIONS) private readonly options: RoomlogOptions) {
    this.topic = `${options.topicPrefix ?? ''}ingest.events`
    this.client = new ClientKafka({
      client: clientOptions(options),
      consumer: { groupId: `${options.topicPrefix ?? ''}${options.service}-replies`, allowAutoTopicCreation: false },
      producer: { allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 },
    })
    this.client.subscribeToResponseOf(this.topic)
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.client.connect()
    await this.assigned()
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close()
  }

  /** The event will be appended, or lies in `ingest.dead` with the reason. */
  async emit(publication: Publication): Promise<void> {
    await firstValueFrom(this.client.emit(this.topic, recordOf(publication, this.options.service)))
  }

  /** @throws PublishRefused, or `TimeoutError` of rxjs: then the outcome is unknown, repeat with the same `idempotencyKey`. */
  async send(publication: Publication): Promise<Published> {
    await this.assigned()
    const answer = this.client.send<Published>(this.topic, recordOf(publication, this.options.service))
    try {
      return await firstValueFrom(answer.pipe(timeout(this.options.timeoutMs ?? timeoutMsDefault)))
    } catch (error) {
      throw refusalOf(error) ?? error
    }
  }

  /** `connect` comes back before the group has given us a partition for replies, and a rebalance takes it for a moment. */
  private async assigned(): Promise<void> {
    const deadline = Date.now() + assignedMsMax
    while (this.client.getConsumerAssignments()[`${this.topic}.reply`] === undefined) {
      if (Date.now() > deadline) throw new Error(`no partition of ${this.topic}.reply within ${assignedMsMax} ms`)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }
}

const assignedMsMax = 30_000
const pollMs = 50

/** Nest hands the header `kafka_nest-err` on, as text or parsed. */
function refusalOf(error: unknown): PublishRefused | undefined {
  let value = error
  if (typeof error === 'string') {
    try {
      value = JSON.parse(error)
    } catch {
      return undefined
    }
  }
  const isWire = typeof value === 'object' && value !== null && !(value instanceof Error) && 'code' in value
  return isWire ? new PublishRefused(value as never) : undefined
}
