/**
 * The product as its users run it: real processes, known only by their addresses.
 *
 * `embedded` – the all-in-one on its own log and PostgreSQL · `kafka` – the all-in-one on Kafka and PostgreSQL ·
 * `cluster` – ingest, two acl, persistence, two edges as processes of their own on Kafka and PostgreSQL.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaForTests, startPostgres } from '@roomlog/testing'
import { freePort, type Service, startService } from './process.ts'
import { TokenSigner } from './token.ts'

export const shapes = ['embedded', 'kafka', 'cluster'] as const
export type Shape = (typeof shapes)[number]

export interface Deployment {
  shape: Shape
  /** Base URLs that clients use: one, or that of each edge. */
  urls: string[]
  services: Service[]
  service(name: string): Service
  tokens: TokenSigner
  dataDirectory: string
  /** Present where the log is Kafka. */
  kafka?: { brokers: string; topicPrefix: string }
  databaseUrl?: string
  logUrl: string
  partitions: number
  stop(): Promise<void>
}

export interface DeploymentOptions {
  env?: Record<string, string>
  partitions?: number
  /** Use this broker (or a proxy in front of it) instead of one of its own. */
  brokers?: string
}

const root = new URL('../../', import.meta.url).pathname
const main = (app: string) => join(root, 'apps', app, 'dist', 'main.js')

export async function startDeployment(shape: Shape, options: DeploymentOptions = {}): Promise<Deployment> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    return await assemble(shape, options, undo)
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

async function assemble(shape: Shape, options: DeploymentOptions, undo: (() => Promise<unknown>)[]): Promise<Deployment> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rl-'))
  undo.push(() => rm(dataDirectory, { recursive: true, force: true }))
  const tokens = new TokenSigner()
  const partitions = options.partitions ?? 8
  const env: Record<string, string> = {
    ROOMLOG_AUTH_SECRET: tokens.secret,
    ROOMLOG_DATA: dataDirectory,
    ROOMLOG_PARTITIONS: String(partitions),
    ROOMLOG_MQTT: '',
  }
  const deployment = { shape, tokens, dataDirectory, partitions, logUrl: `file:${join(dataDirectory, 'log')}` }
  const kafka = shape === 'embedded' ? undefined : await kafkaFor(options, undo)
  let databaseUrl: string | undefined
  if (kafka) {
    deployment.logUrl = `kafka://${kafka.brokers}`
    const postgres = await startPostgres()
    undo.push(() => postgres.stop())
    databaseUrl = await postgres.createDatabase()
    Object.assign(env, { ROOMLOG_LOG_URL: deployment.logUrl, ROOMLOG_TOPIC_PREFIX: kafka.topicPrefix, DATABASE_URL: databaseUrl })
  }
  Object.assign(env, options.env)

  const services: Service[] = []
  const start = async (name: string, app: string, more: Record<string, string> = {}): Promise<Service> => {
    const [port, adminPort] = [await freePort(), await freePort()]
    const url = `http://127.0.0.1:${port}`
    const service = await startService({
      name,
      script: main(app),
      url,
      adminUrl: `http://127.0.0.1:${adminPort}`,
      env: { ...env, ROOMLOG_HTTP: `127.0.0.1:${port}`, ROOMLOG_ADMIN_HTTP: `127.0.0.1:${adminPort}`, ...more },
    })
    undo.push(() => service.stop())
    services.push(service)
    return service
  }

  const urls: string[] = []
  if (shape === 'cluster') {
    await Promise.all([start('acl-1', 'acl'), start('acl-2', 'acl')])
    const persistence = await start('persistence', 'persistence')
    const upstream = { ROOMLOG_PERSISTENCE_URL: persistence.url }
    const ingest = await start('ingest', 'ingest', upstream)
    const edges = await Promise.all(
      ['edge-1', 'edge-2'].map((name) => start(name, 'edge', { ...upstream, ROOMLOG_INGEST_URL: ingest.url })),
    )
    urls.push(...edges.map((edge) => edge.url))
  } else {
    urls.push((await start('roomlog', 'roomlog')).url)
  }

  return {
    ...deployment,
    urls,
    services,
    service: (name) => services.find((service) => service.name === name) ?? missing(name),
    ...(kafka ? { kafka } : {}),
    ...(databaseUrl ? { databaseUrl } : {}),
    async stop() {
      for (const step of undo.reverse()) await step()
    },
  }
}

async function kafkaFor(options: DeploymentOptions, undo: (() => Promise<unknown>)[]) {
  const topicPrefix = `t${randomBytes(4).toString('hex')}.`
  if (options.brokers) return { brokers: options.brokers, topicPrefix }
  const kafka = await kafkaForTests()
  if (!kafka) throw new Error('no Kafka for this deployment: Java 17 and Maven, or ROOMLOG_TEST_KAFKA=host:port')
  undo.push(() => kafka.stop())
  return { brokers: kafka.brokers, topicPrefix }
}

function missing(name: string): never {
  throw new Error(`no service ${name}`)
}
