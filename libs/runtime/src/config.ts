/**
 * The environment, read once: a frozen, typed configuration, or one message that names everything that is wrong with it.
 */
import { isAbsolute, join, resolve } from 'node:path'
import { type Limits, limitNames, limitVariable } from './limits.js'
import { deploymentSecret, developmentSecret } from './secret.js'
import { unknownVariables } from './unknown.js'
import { type Address, variables } from './variables.js'

export type AppName = 'edge' | 'ingest' | 'persistence' | 'acl'

export const defaultPorts: Readonly<Record<AppName, number>> = { edge: 7700, ingest: 7701, persistence: 7702, acl: 7703 }

export interface Config {
  /** `memory:`, `file:<dir>` or `kafka://…`. */
  readonly logUrl: string
  readonly kafka: {
    readonly tls: boolean | { readonly caFile: string }
    readonly sasl?: {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  }
  readonly topicPrefix: string
  /** Empty = embedded under `dataDir`/pg. */
  readonly databaseUrl: string
  /** Absolute. */
  readonly dataDir: string
  /** The public listener; port 0 = any free one. */
  readonly http: Address
  /** The operators' listener. */
  readonly adminHttp: Address
  readonly ingestUrl: string
  readonly persistenceUrl: string
  /** `undefined` = off. A taken port is an error only where `given`. */
  readonly mqtt: (Address & { readonly given: boolean }) | undefined
  readonly auth: { readonly secret?: string; readonly jwksUrl?: string; readonly issuer?: string; readonly audience?: string }
  /** No authentication was configured: loopback only, `auth.secret` is the one in `dataDir`/dev-secret. */
  readonly development: boolean
  /** Of the deployment: tickets, derived room IDs, reads between services. */
  readonly secret: string
  readonly publicUrl: string
  /** Of the command line and the SDK. */
  readonly url: string
  readonly token: string | undefined
  readonly origins: readonly string[]
  readonly trustProxy: boolean | number | string[]
  readonly partitions: number
  readonly durability: 'strict' | 'relaxed'
  readonly erasure: 'off' | 'keys'
  readonly edgeWorkers: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** permessage-deflate for those who ask. */
  readonly compression: boolean
  readonly testEcho: boolean
  readonly otlpEndpoint: string | undefined
  readonly limits: Limits
  /** What was strange but did not stop us, such as unknown names; for the log at start. */
  readonly warnings: readonly string[]
}

/** The environment is wrong. The message names every variable and every mistake. */
export class ConfigError extends Error {
  constructor(readonly mistakes: readonly string[]) {
    super(`The configuration is not valid:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/**
 * Reads the environment for one app (its name decides the default port). In development mode the secret file is created
 * where it is missing; a client (`client: true`) creates nothing, demands nothing, and has an empty secret where there is none.
 * @throws ConfigError with all mistakes at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, options: { app?: AppName; client?: boolean } = {}): Config {
  const { values, mistakes } = readVariables(env)
  const warnings = [...unknownVariables(env), ...unused(values, options.app)]
  const app = options.app ?? 'edge'
  const http: Address = values.ROOMLOG_HTTP ?? { host: '127.0.0.1', port: defaultPorts[app] }
  const adminHttp: Address = values.ROOMLOG_ADMIN_HTTP ?? { host: '127.0.0.1', port: http.port === 0 ? 0 : http.port + 100 }
  const development = values.ROOMLOG_AUTH_SECRET === undefined && values.ROOMLOG_AUTH_JWKS_URL === undefined
  if (mistakes.length === 0 && !options.client) mistakes.push(...missingSecrets(values, http, development))
  if (mistakes.length > 0) throw new ConfigError([...mistakes, ...warnings])

  const dataDir = resolve(values.ROOMLOG_DATA)
  const authSecret: string | undefined = development ? developmentSecret(dataDir, !options.client) : values.ROOMLOG_AUTH_SECRET
  const mqtt = values.ROOMLOG_MQTT === undefined ? { host: '127.0.0.1', port: 1883, given: false } : values.ROOMLOG_MQTT
  return freeze({
    logUrl: logUrl(values.ROOMLOG_LOG_URL, dataDir),
    kafka: { tls: values.ROOMLOG_KAFKA_TLS, sasl: values.ROOMLOG_KAFKA_SASL },
    topicPrefix: values.ROOMLOG_TOPIC_PREFIX,
    databaseUrl: values.DATABASE_URL,
    dataDir,
    http,
    adminHttp,
    ingestUrl: values.ROOMLOG_INGEST_URL,
    persistenceUrl: values.ROOMLOG_PERSISTENCE_URL,
    mqtt: mqtt === null ? undefined : { given: true, ...mqtt },
    auth: {
      secret: authSecret,
      jwksUrl: values.ROOMLOG_AUTH_JWKS_URL,
      issuer: values.ROOMLOG_AUTH_ISSUER,
      audience: values.ROOMLOG_AUTH_AUDIENCE,
    },
    development,
    secret: values.ROOMLOG_SECRET ?? (authSecret ? deploymentSecret(authSecret) : ''),
    publicUrl: values.ROOMLOG_PUBLIC_URL ?? webAddress(http),
    url: values.ROOMLOG_URL ?? webAddress(http),
    token: values.ROOMLOG_TOKEN,
    origins: values.ROOMLOG_ORIGINS,
    trustProxy: values.ROOMLOG_TRUST_PROXY,
    partitions: values.ROOMLOG_PARTITIONS,
    durability: values.ROOMLOG_DURABILITY,
    erasure: values.ROOMLOG_ERASURE,
    edgeWorkers: values.ROOMLOG_EDGE_WORKERS,
    logLevel: values.ROOMLOG_LOG_LEVEL,
    compression: values.ROOMLOG_COMPRESSION,
    testEcho: values.ROOMLOG_TEST_ECHO,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    limits: Object.fromEntries(limitNames.map((name) => [name, values[limitVariable(name)]])) as Limits,
    warnings,
  })
}

/** `http://host:port`, with brackets around an IPv6 address. */
export function webAddress(address: Address): string {
  return `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

function readVariables(env: NodeJS.ProcessEnv): { values: Record<string, any>; mistakes: string[] } {
  const values: Record<string, any> = {}
  const mistakes: string[] = []
  for (const [name, variable] of Object.entries(variables)) {
    const text = env[name] === '' && !emptyMeansSomething.has(name) ? undefined : env[name]
    const parsed = variable.schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else mistakes.push(`${name}: ${parsed.error.issues.map((issue) => readable(issue)).join('; ')}`)
  }
  return { values, mistakes }
}

/** An empty variable is as good as none (compose files set them), but for these, where empty is a value. */
const emptyMeansSomething = new Set(['ROOMLOG_MQTT', 'DATABASE_URL'])

function readable(issue: { message: string; code?: string; values?: unknown; errors?: unknown }): string {
  if (issue.code === 'invalid_value' && Array.isArray(issue.values)) return `must be one of ${issue.values.join(', ')}`
  if (issue.code === 'invalid_union') return 'must be host:port or empty'
  return issue.message
}

function missingSecrets(values: Record<string, any>, http: Address, development: boolean): string[] {
  if (!development) {
    if (values.ROOMLOG_AUTH_SECRET === undefined && values.ROOMLOG_SECRET === undefined)
      return ['ROOMLOG_SECRET: is required where tokens are verified with keys only (ROOMLOG_AUTH_JWKS_URL)']
    return []
  }
  const open = [
    ['ROOMLOG_HTTP', http],
    ['ROOMLOG_ADMIN_HTTP', values.ROOMLOG_ADMIN_HTTP],
    ['ROOMLOG_MQTT', values.ROOMLOG_MQTT],
  ] as const
  return open
    .filter(([, address]) => address && !isLoopback(address.host))
    .map(
      ([name, address]) =>
        `${name}: ${address.host} is not loopback, and without ROOMLOG_AUTH_SECRET or ROOMLOG_AUTH_JWKS_URL only loopback is served`,
    )
}

/** Asked for, and not there yet: it does no harm to start without it. */
function unused(values: Record<string, any>, app: AppName | undefined): string[] {
  return [
    ...(values.ROOMLOG_MQTT ? ['ROOMLOG_MQTT: there is no MQTT listener in this version'] : []),
    ...(values.ROOMLOG_EDGE_WORKERS > 0 && app === undefined
      ? ['ROOMLOG_EDGE_WORKERS: only an edge as a service of its own has workers']
      : []),
  ]
}

/** A relative directory of a `file:` log is taken from the working directory, as every other path. */
function logUrl(given: string | undefined, dataDir: string): string {
  if (given === undefined) return `file:${join(dataDir, 'log')}`
  if (!given.startsWith('file:')) return given
  const path = given.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
  return `file:${isAbsolute(path) ? path : resolve(path)}`
}

function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freeze(member)
  return Object.freeze(value)
}
