/** How Nest's Kafka transport reads `ingest.events`, and what its state means for readiness. */
import { readFileSync } from 'node:fs'
import { type KafkaOptions, type KafkaStatus, Transport } from '@nestjs/microservices'
import type { Config, Health } from '@roomlog/runtime'
import { logLevel } from 'kafkajs'
import type { Observable } from 'rxjs'

const partitionsAtOnceMax = 32

export function kafkaOptions(config: Config): KafkaOptions {
  return {
    transport: Transport.KAFKA,
    options: {
      // Its own group name, without Nest's postfix: operators look for it.
      postfixId: '',
      client: connection(config),
      consumer: {
        groupId: `${config.topicPrefix}roomlog-ingest`,
        allowAutoTopicCreation: false,
        sessionTimeout: 10_000,
        heartbeatInterval: 2_000,
      },
      producer: { allowAutoTopicCreation: false },
      subscribe: { fromBeginning: true },
      // Offsets are committed by the intake, when a record's commands are durable.
      run: { partitionsConsumedConcurrently: partitionsAtOnceMax, autoCommit: false },
      // Nest would run JSON.parse over every value: content must stay as it is.
      parser: { keepBinary: true },
    },
  }
}

/** Not ready while the consumer is away: records then wait in Kafka. */
export function watchConsumer(health: Health, status: Observable<unknown>): void {
  let now: unknown = 'connecting'
  status.subscribe((next) => {
    now = next
  })
  const away: unknown[] = ['disconnected', 'stopped', 'crashed'] satisfies `${KafkaStatus}`[]
  health.ready('ingest.events', () => ({ ok: !away.includes(now), consumer: now }))
}

type Connection = NonNullable<NonNullable<KafkaOptions['options']>['client']>

function connection({ logUrl, kafka: { tls, sasl } }: Config): Connection {
  const client: Connection = {
    clientId: 'roomlog-ingest',
    brokers: logUrl.replace(/^kafka:(\/\/)?/, '').split(','),
    logLevel: logLevel.ERROR,
  }
  if (tls) client.ssl = tls === true ? true : { ca: [readFileSync(tls.caFile, 'utf8')] }
  if (sasl) client.sasl = { mechanism: sasl.mechanism.toLowerCase(), username: sasl.username, password: sasl.password } as never
  return client
}
