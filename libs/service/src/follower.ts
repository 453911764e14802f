/**
 * Follows rooms: the events of `room.events`, each once per group and in order per room, the log's own records left out.
 *
 * A record counts only where it stands at its header `offset`: a writer that lost a race leaves records that never happened.
 * Records without `seq` are marks of the log. At least once: a handler that throws sees the event again.
 */
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import type { RoomEvent } from '@roomlog/domain'
import { decodeRecord, type Headers } from '@roomlog/protocol'
import { type Consumer, Kafka, type KafkaMessage } from 'kafkajs'
import { clientOptions, type RoomlogOptions, SERVICE_OPTIONS } from './options.js'

export interface FollowOptions {
  /** Consumer group; default `<service>-rooms`. Each group gets every event. */
  group?: string
  /** Exact room IDs, or prefixes with `*` at their end; default all. */
  rooms?: string[]
  types?: string[]
  /** For a new group: from the first event of the log. Default: from now on. */
  fromBeginning?: boolean
}

export type OnEvent = (event: RoomEvent) => void | Promise<void>

@Injectable()
export class RoomlogFollower implements OnApplicationShutdown {
  private readonly consumers: Consumer[] = []

  constructor(@Inject(SERVICE_OPTIONS) private readonly options: RoomlogOptions) {}

  /** Resolves when it follows; ends with the application or `stop`. */
  async follow(onEvent: OnEvent, options: FollowOptions = {}): Promise<{ stop(): Promise<void> }> {
    const { service, topicPrefix = '' } = this.options
    const consumer = new Kafka(clientOptions(this.options)).consumer({
      groupId: `${topicPrefix}${options.group ?? `${service}-rooms`}`,
      allowAutoTopicCreation: false,
    })
    this.consumers.push(consumer)
    await consumer.connect()
    await consumer.subscribe({ topic: `${topicPrefix}room.events`, fromBeginning: options.fromBeginning ?? false })
    await consumer.run({
      partitionsConsumedConcurrently: partitionsAtOnceMax,
      eachMessage: async ({ message }) => {
        const event = eventOf(message, options)
        if (event) await onEvent(event)
      },
    })
    return { stop: () => consumer.disconnect() }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => consumer.disconnect()))
  }
}

const partitionsAtOnceMax = 8

/** The event of a record; undefined = void, a mark, or of no interest. */
export function eventOf(
  message: Pick<KafkaMessage, 'key' | 'value' | 'offset' | 'headers'>,
  options: Pick<FollowOptions, 'rooms' | 'types'> = {},
): RoomEvent | undefined {
  const headers = textHeaders(message.headers)
  if (message.value === null || headers.offset !== message.offset || headers.seq === undefined) return undefined
  if (!matches(options.rooms, message.key?.toString()) || !matches(options.types, headers.type)) return undefined
  return decodeRecord({ value: message.value, headers })
}

function matches(patterns: string[] | undefined, text: string | undefined): boolean {
  if (!patterns) return true
  return (
    text !== undefined && patterns.some((pattern) => (pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text))
  )
}

function textHeaders(headers: KafkaMessage['headers'] = {}): Headers {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) texts[name] = String(Array.isArray(value) ? value[0] : value)
  return texts
}
