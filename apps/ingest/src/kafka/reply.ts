/** Answers to internal services in the shape of Nest's Kafka transport, so that an unmodified `ClientKafka.send()` understands them. */
import { KafkaHeaders } from '@nestjs/microservices'
import type { Reply } from '@roomlog/protocol'
import type { Outcome } from './intake.js'

export interface ReplyAddress {
  topic: string
  partition?: number
  correlationId: string
}

/** The address that a record names, or why it gets no answer; undefined = it wants none. */
export function replyAddress(headers: Readonly<Record<string, string>>, prefix: string): ReplyAddress | string | undefined {
  const correlationId = headers[KafkaHeaders.CORRELATION_ID]
  const topic = headers[KafkaHeaders.REPLY_TOPIC]
  if (correlationId === undefined || topic === undefined) return undefined
  if (!isReplyTopic(topic, prefix)) return `${KafkaHeaders.REPLY_TOPIC} is not a topic for replies`
  const partition = headers[KafkaHeaders.REPLY_PARTITION]
  if (partition === undefined) return { topic, correlationId }
  return /^\d{1,6}$/.test(partition)
    ? { topic, partition: Number(partition), correlationId }
    : `${KafkaHeaders.REPLY_PARTITION} is not a partition`
}

/** Replies must not become records that somebody takes for commands or events. */
export function isReplyTopic(topic: string, prefix: string): boolean {
  const name = topic.startsWith(prefix) ? topic.slice(prefix.length) : topic
  return name.endsWith('.reply') && (!/^(room|user|ingest)\./.test(name) || name === 'ingest.events.reply')
}

export function replyMessage(outcome: Outcome, { correlationId }: ReplyAddress): { value: string | null; headers: Record<string, string> } {
  const headers = { [KafkaHeaders.CORRELATION_ID]: correlationId, [KafkaHeaders.NEST_IS_DISPOSED]: '\0' }
  if (Array.isArray(outcome)) return { value: JSON.stringify(outcome.map(bodyOf)), headers }
  if (outcome.error) return { value: null, headers: { ...headers, [KafkaHeaders.NEST_ERR]: JSON.stringify(outcome.error) } }
  return { value: JSON.stringify(outcome.ok), headers }
}

function bodyOf({ ok, error }: Reply): unknown {
  return error ? { error } : ok
}
