/**
 * Every environment variable that Roomlog reads: its form, its default and its meaning. `docs/configuration.md` is checked
 * against this table, and so are the names in the manifests under `k8s/`.
 */
import { z } from 'zod'
import { limitVariables, wholeNumber } from './limits.js'

export interface Variable {
  schema: z.ZodType
  meaning: string
  /** As shown in the documentation; a rule in words where the default is derived. */
  default?: string
  /** Never shown, never logged. */
  secret?: boolean
}

export interface Address {
  host: string
  port: number
}

const switchValue = z.enum(['0', '1']).transform((value) => value === '1')

const address = z.string().transform((text, context): Address => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    context.addIssue({ code: 'custom', message: 'must be host:port' })
    return z.NEVER
  }
  return { host: (match[1] ?? match[2])!, port }
})

const webUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http or https address')
  .transform((text) => text.replace(/\/+$/, ''))

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** An origin is compared byte by byte, so only its canonical form can ever match. */
const origins = list.refine(
  (items) => items.every((item) => URL.canParse(item) && new URL(item).origin === item),
  'must be origins such as https://app.example.org, separated by commas',
)

const trustProxy = z.string().transform((text): boolean | number | string[] => {
  if (text === '0' || text === '') return false
  if (/^\d{1,2}$/.test(text)) return Number(text)
  return list.parse(text)
})

const logUrl = z
  .string()
  .regex(
    /^(memory:.*|file:.+|kafka:(\/\/)?[^,\s/]+:\d+(,[^,\s/]+:\d+)*\/?)$/,
    'must be memory:, file:<directory> or kafka://host:port[,host:port]',
  )

const sasl = z.string().transform((text, context) => {
  const match = /^(plain|scram-sha-256|scram-sha-512):([^:]+):(.+)$/i.exec(text)
  if (!match) {
    context.addIssue({ code: 'custom', message: 'must be mechanism:user:password with mechanism plain, scram-sha-256 or scram-sha-512' })
    return z.NEVER
  }
  const mechanism = match[1]!.toUpperCase() as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  return { mechanism, username: match[2]!, password: match[3]! }
})

const authSecret = z.string().refine((text) => Buffer.byteLength(text) >= 32, 'must have at least 32 bytes')

export const variables = {
  ROOMLOG_LOG_URL: {
    schema: logUrl.optional(),
    meaning: 'the log: `memory:`, `file:<dir>` or `kafka://host:port[,host:port]`',
    default: '`file:$ROOMLOG_DATA/log`',
  },
  ROOMLOG_KAFKA_TLS: {
    schema: z
      .string()
      .transform((text) => (text === '0' ? false : text === '1' ? true : { caFile: text }))
      .default(false),
    meaning: 'TLS to Kafka: `1`, or the file of a certificate authority (PEM)',
    default: '0',
  },
  ROOMLOG_KAFKA_SASL: { schema: sasl.optional(), meaning: 'sign-in to Kafka: `mechanism:user:password`', secret: true },
  ROOMLOG_TOPIC_PREFIX: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,64}$/, 'must be at most 64 letters, digits, dots, underscores and dashes')
      .default(''),
    meaning: 'put before every topic name, for tests and clusters that several deployments share',
    default: 'empty',
  },
  DATABASE_URL: {
    schema: z
      .string()
      .regex(/^(postgres(ql)?:\/\/.+)?$/, 'must be postgres://…')
      .default(''),
    meaning: 'PostgreSQL; empty = embedded under `$ROOMLOG_DATA/pg`',
    default: 'empty',
    secret: true,
  },
  ROOMLOG_DATA: {
    schema: z.string().min(1).default('./data'),
    meaning: 'directory of everything that is kept on this machine',
    default: './data',
  },
  ROOMLOG_HTTP: {
    schema: address.optional(),
    meaning: '`host:port` of the public listener',
    default: '`127.0.0.1` and 7700 (edge, all-in-one), 7701 (ingest), 7702 (persistence), 7703 (acl)',
  },
  ROOMLOG_ADMIN_HTTP: {
    schema: address.optional(),
    meaning: '`host:port` of `/metrics`, and of `/docs` and `/v1/admin` outside of development; `/health` answers on both',
    default: '`127.0.0.1` and the public port + 100',
  },
  ROOMLOG_INGEST_URL: { schema: webUrl.default('http://127.0.0.1:7701'), meaning: 'where ingest is', default: 'http://127.0.0.1:7701' },
  ROOMLOG_PERSISTENCE_URL: {
    schema: webUrl.default('http://127.0.0.1:7702'),
    meaning: 'where persistence is',
    default: 'http://127.0.0.1:7702',
  },
  ROOMLOG_MQTT: {
    schema: z.union([z.literal('').transform(() => null), address]).optional(),
    meaning: '`host:port` of the MQTT listener (not available yet); set but empty = off',
    default: '127.0.0.1:1883',
  },
  ROOMLOG_AUTH_SECRET: { schema: authSecret.optional(), meaning: 'secret of HS256 tokens, at least 32 bytes', secret: true },
  ROOMLOG_AUTH_JWKS_URL: { schema: webUrl.optional(), meaning: 'keys of RS256, ES256 and EdDSA tokens' },
  ROOMLOG_AUTH_ISSUER: { schema: z.string().min(1).optional(), meaning: 'required `iss` of a token' },
  ROOMLOG_AUTH_AUDIENCE: { schema: z.string().min(1).optional(), meaning: 'required `aud` of a token' },
  ROOMLOG_SECRET: {
    schema: authSecret.optional(),
    meaning: 'the secret of the deployment, for tickets, derived room IDs and reads between services; required with keys only',
    default: 'derived from `ROOMLOG_AUTH_SECRET` or the development secret',
    secret: true,
  },
  ROOMLOG_PUBLIC_URL: {
    schema: webUrl.optional(),
    meaning: 'what an edge announces as its own address',
    default: '`http://` + `ROOMLOG_HTTP`',
  },
  ROOMLOG_URL: {
    schema: webUrl.optional(),
    meaning: 'the deployment, for the command line and the SDK',
    default: '`http://` + `ROOMLOG_HTTP`',
  },
  ROOMLOG_TOKEN: {
    schema: z.string().min(1).optional(),
    meaning: 'token of the command line and the SDK',
    default: 'a five-minute token for the service `cli` with all scopes, signed with the secret above',
    secret: true,
  },
  ROOMLOG_ORIGINS: { schema: origins.default([]), meaning: 'browser origins that may connect, beside our own', default: 'none' },
  ROOMLOG_TRUST_PROXY: {
    schema: trustProxy.default(false),
    meaning: 'which proxies to believe about addresses: how many, or their addresses and networks',
    default: '0',
  },
  ROOMLOG_PARTITIONS: { schema: wholeNumber(1, 10_000).default(64), meaning: 'partitions, at creation', default: '64' },
  ROOMLOG_DURABILITY: {
    schema: z.enum(['strict', 'relaxed']).default('strict'),
    meaning: '`strict` refuses a log that could lose acknowledged events; `relaxed` says what may be lost',
    default: 'strict',
  },
  ROOMLOG_ERASURE: {
    // A deployment that relies on it must not start without it.
    schema: z
      .enum(['off', 'keys'])
      .refine((value) => value === 'off', 'keys is not available in this version')
      .default('off'),
    meaning: '`keys` seals content under one key a user (not available yet)',
    default: 'off',
  },
  ROOMLOG_EDGE_WORKERS: {
    schema: wholeNumber(0, 256).default(0),
    meaning:
      'edge processes behind one port, each with an operators’ listener of its own (the port of `ROOMLOG_ADMIN_HTTP` and those after it); 0 = one process; not in the all-in-one',
    default: '0',
  },
  ROOMLOG_COMPRESSION: {
    schema: switchValue.default(false),
    meaning: '`1` compresses frames for WebSocket clients that ask for it (permessage-deflate)',
    default: '0',
  },
  ROOMLOG_LOG_LEVEL: {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    meaning: '`debug`, `info`, `warn`, `error` or `silent`',
    default: 'info',
  },
  ROOMLOG_TEST_ECHO: { schema: switchValue.default(false), meaning: '`1` opens the WebSocket path `/echo`, for tests', default: '0' },
  OTEL_EXPORTER_OTLP_ENDPOINT: { schema: webUrl.optional(), meaning: 'where traces are sent (OTLP over HTTP)', default: 'nowhere' },
  ...limitVariables,
} satisfies Record<string, Variable>

/** Names under our prefix that belong to the repository's tests and benchmarks, and configure no process. */
export const testVariable = /^ROOMLOG_(BENCH_[A-Z]+|E2E(_[A-Z]+)?|MODEL_RUNS|SEED|STALLED_MINUTES|TEST_(KAFKA|DATABASE))$/
