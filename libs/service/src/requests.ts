/** Answering calls (`POST /v1/call/{service}/{method}`): Nest's own `@MessagePattern` on `service.<name>.requests`. */
import { type KafkaOptions, Transport } from '@nestjs/microservices'
import { clientOptions, type RoomlogOptions } from './options.js'

/** What `app.connectMicroservice` needs so that `@MessagePattern(requestsTopic(name))` is called. */
export function requestsTransport(options: RoomlogOptions): KafkaOptions {
  return {
    transport: Transport.KAFKA,
    options: {
      client: clientOptions(options),
      postfixId: '',
      consumer: { groupId: `${options.topicPrefix ?? ''}${options.service}-requests`, allowAutoTopicCreation: false },
      producer: { allowAutoTopicCreation: false },
      subscribe: { fromBeginning: false },
    },
  }
}

export function requestsTopic(service: string, topicPrefix = ''): string {
  return `${topicPrefix}service.${service}.requests`
}

/** Who calls, and what they call; the record's value. */
export interface ServiceRequest {
  method: string
  user: string
  device: string
  content: unknown
}
