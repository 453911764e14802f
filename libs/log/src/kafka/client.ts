/** How this process speaks to Kafka: one set of connection options for all of the clients that a log needs. */
import { randomUUID } from 'node:crypto'
import type { Base, BaseOptions } from '@platformatic/kafka'
import { RoomlogError } from '../failure.js'
import type { KafkaOptions } from '../open.js'

/** After so long without an answer a request's connection is given up; the outcome of a write is then `unknown`. */
export const requestMsMax = 8_000
/** Metadata come at once or from another broker: one that hangs must not hide the cluster. */
export const metadataMsMax = 2_000
const metadataTries = 3
/** How long a broker itself waits for its replicas. */
export const replicaMsMax = 5_000
const connectMsMax = 5_000

/**
 * No hidden repeats (`retries: 0`): who repeats what, and when, is decided here and not by the client.
 * Metadata does not age by itself: it is asked for anew when a broker says that it is wrong.
 */
export function clientOptions(url: string, options: KafkaOptions, role: string): BaseOptions {
  const tls = options.tls === true ? {} : options.tls || undefined
  return {
    clientId: `${options.clientId ?? 'roomlog'}-${role}-${randomUUID().slice(0, 8)}`,
    bootstrapBrokers: brokersOf(url),
    connectTimeout: connectMsMax,
    requestTimeout: options.requestTimeoutMs ?? requestMsMax,
    timeout: replicaMsMax,
    retries: 0,
    retryDelay: 50,
    metadataMaxAge: 2 ** 31,
    autocreateTopics: false,
    ...(tls ? { tls, tlsServerName: true } : {}),
    ...(options.sasl ? { sasl: options.sasl as BaseOptions['sasl'] } : {}),
  } as BaseOptions
}

/**
 * Lets a client learn anew who leads these topics (Kafka's names) and where the brokers are, asking one broker after the
 * other. Clearing its metadata instead would have it ask the first broker only, which may be the one that hangs.
 */
export async function renew(client: Base<BaseOptions>, topics: string[]): Promise<void> {
  await client.metadata({ topics, forceUpdate: true, retries: metadataTries }).catch(() => {})
}

/** @throws RoomlogError `invalid` where the URL names no brokers. */
export function brokersOf(url: string): string[] {
  const brokers = url
    .replace(/^kafka:(\/\/)?/, '')
    .replace(/\/$/, '')
    .split(',')
    .map((broker) => broker.trim())
    .filter(Boolean)
    .map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:9092`))
  if (brokers.length === 0) throw new RoomlogError('invalid', 'kafka: needs brokers, as in kafka://host:port[,host:port]')
  return brokers
}
