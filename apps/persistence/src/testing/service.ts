/** The whole service over a memory log and a database of its own, and callers of it. */
import { randomUUID } from 'node:crypto'
import { internalHeader, signInternal } from '@roomlog/door'
import { currentEpoch, type Log, openLog, parseEventId, position } from '@roomlog/log'
import { eventsTopic, familyOf, topics } from '@roomlog/protocol'
import { createLogger, Health, loadConfig, Metrics, type Served, serve } from '@roomlog/runtime'
import { SignJWT } from 'jose'
import { PersistenceModule } from '../persistence.module.js'
import { server } from './archive.js'
import { Writer } from './writer.js'

const secret = 'a secret of thirty-two bytes, at least'

export interface Caller {
  get(path: string): Promise<{ status: number; text: string; body: any }>
}

export interface TestService {
  url: string
  writer: Writer
  log: Log
  served: Served
  metrics: Metrics
  as(user: string, claims?: Record<string, unknown>): Promise<Caller>
  anonymous: Caller
  /** Another service of the deployment. */
  service: Caller
  /** The position of the room's last event: an `atLeast`. */
  caughtUp(room: string): Promise<string>
  close(): Promise<void>
}

export async function startService(): Promise<TestService> {
  const logUrl = `memory:${randomUUID()}`
  const databaseUrl = await (await server()).createDatabase()
  const env = {
    ROOMLOG_LOG_URL: logUrl,
    DATABASE_URL: databaseUrl,
    ROOMLOG_AUTH_SECRET: secret,
    ROOMLOG_PARTITIONS: '2',
    ROOMLOG_DURABILITY: 'relaxed',
    ROOMLOG_HTTP: '127.0.0.1:0',
  }
  const config = loadConfig(env, { app: 'persistence' })
  const log = await openLog(logUrl, { partitions: 2 })
  await log.prepare(topics, 'relaxed')
  const metrics = new Metrics()
  const served = await serve(PersistenceModule.register(config), {
    service: 'persistence',
    config,
    logger: createLogger({ service: 'persistence', level: 'silent' }),
    health: new Health(),
    metrics,
    adminHttp: false,
  })
  const call = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(`${served.url}${path}`, { headers })
    const text = await response.text()
    return { status: response.status, text, body: JSON.parse(text) }
  }
  const writer = new Writer(log)
  return {
    url: served.url,
    writer,
    log,
    served,
    metrics,
    async as(user, claims = {}) {
      const token = await new SignJWT({ sub: user, did: 'd1', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret))
      return { get: (path) => call(path, { authorization: `Bearer ${token}` }) }
    },
    anonymous: { get: (path) => call(path, {}) },
    service: { get: (path) => call(path, { [internalHeader]: signInternal(config.secret, path, Date.now()) }) },
    async caughtUp(room) {
      const last = writer.last(room)
      const place = parseEventId(last.id)!
      const { epoch } = await currentEpoch(log, eventsTopic(familyOf(room)), place.partition)
      return position({ ...place, epoch, seq: last.seq })
    },
    async close() {
      await served.close()
      await log.close()
    },
  }
}
