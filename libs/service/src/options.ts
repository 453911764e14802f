export interface RoomlogOptions {
  /** `host:port` of the brokers. */
  brokers: string[]
  /** Name of this service: the sender of what it publishes, and the topic `service.<name>.requests` of its calls. */
  service: string
  /** Of a cluster that is shared. */
  topicPrefix?: string
  /** TLS and SASL, as kafkajs takes them. */
  ssl?: boolean | Record<string, unknown>
  sasl?: Record<string, unknown>
  /** How long `send` waits for its outcome; default 12 s, longer than the door's own 10 s. */
  timeoutMs?: number
}

/** Injection token of the options. */
export const SERVICE_OPTIONS = Symbol('roomlog options')

export function clientOptions({ brokers, service, ssl, sasl }: RoomlogOptions) {
  return { clientId: `roomlog-${service}`, brokers, ssl: ssl as never, sasl: sasl as never, logLevel: logLevelError }
}

/** kafkajs's `logLevel.ERROR`. */
const logLevelError = 1
