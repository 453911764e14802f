/** The door for internal services on Kafka: Nest's Kafka transport hands the records on, one after another per partition. */
import { Controller, Inject, type Type } from '@nestjs/common'
import { Ctx, EventPattern, KafkaContext } from '@nestjs/microservices'
import { PARTS, type Parts } from '../parts.js'
import { Intake, type Outcome } from './intake.js'
import { type ReplyAddress, replyAddress, replyMessage } from './reply.js'

/** Token of the one `Intake`. */
export const INTAKE = Symbol('intake')

/** A class per deployment, because the topic's prefix is configuration and patterns are decorators. */
export function kafkaController(topic: string): Type {
  @Controller()
  class KafkaController {
    constructor(
      @Inject(PARTS) private readonly parts: Parts,
      @Inject(INTAKE) private readonly intake: Intake,
    ) {}

    @EventPattern<string>(topic)
    async take(@Ctx() context: KafkaContext): Promise<void> {
      const message = context.getMessage()
      const headers = textHeaders(message.headers as Record<string, unknown>)
      // Not the payload: where there is no value, Nest gives the whole message instead.
      const value = message.value as unknown as Buffer | null
      const record = { partition: context.getPartition(), offset: message.offset, key: textOf(message.key), value, headers }
      const address = replyAddress(headers, this.parts.config.topicPrefix)
      if (typeof address === 'string') this.parts.logger.warn({ reason: address }, 'a reply to a service was refused')
      const answered = typeof address === 'object' ? (outcome: Outcome) => this.reply(context, address, outcome) : undefined
      const place = { topic, partition: record.partition, offset: String(BigInt(message.offset) + 1n) }
      await this.intake.take(record, { answered, alive: context.getHeartbeat(), done: () => this.commit(context, place) })
    }

    /** What cannot be committed comes again, and is recognised. */
    private async commit(context: KafkaContext, place: { topic: string; partition: number; offset: string }): Promise<void> {
      try {
        await context.getConsumer().commitOffsets([place])
      } catch (error) {
        this.parts.logger.debug({ err: error }, 'an offset of ingest.events could not be committed')
      }
    }

    private reply(context: KafkaContext, address: ReplyAddress, outcome: Outcome): void {
      const { topic, partition } = address
      const message = { ...replyMessage(outcome, address), ...(partition === undefined ? {} : { partition }) }
      context
        .getProducer()
        .send({ topic, messages: [message] })
        .catch((error: Error) => this.parts.logger.warn({ err: error, topic }, 'a reply to a service could not be sent'))
    }
  }
  return KafkaController
}

/** Nest parses header values that look like JSON; as text they are again what was sent. */
function textHeaders(headers: Record<string, unknown>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== null && value !== undefined) texts[name] = textOf(value) ?? ''
  return texts
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Buffer.isBuffer(value) ? value.toString() : JSON.stringify(value)
}
