/** The real ingest on a memory log, with a fake authority behind it and a fake persistence beside it. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { type Config, createLogger, Health, loadConfig, Metrics, type Served, serve } from '@roomlog/runtime'
import { SignJWT } from 'jose'
import { IngestModule } from '../ingest.module.js'
import { FakeAuthority } from './authority.js'

export const secret = 'a secret of at least thirty-two bytes'
let stages = 0

export interface Stage {
  url: string
  log: Log
  config: Config
  authority: FakeAuthority
  /** Requests that persistence got, and what it answers by path. */
  reads: { requests: IncomingMessage[]; answers: Map<string, string> }
  lines: string[]
  /** Whether the server has the route. */
  hasRoute(method: string, url: string): boolean
  token(claims?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

export async function startStage(env: Record<string, string> = {}): Promise<Stage> {
  const reads: Stage['reads'] = { requests: [], answers: new Map() }
  const persistence = await listen(
    createServer((request, response) => {
      reads.requests.push(request)
      const body = reads.answers.get(request.url!.split('?', 1)[0]!)
      response.statusCode = body === undefined ? 404 : 200
      response.setHeader('content-type', 'application/json')
      response.end(body ?? '{"error":{"code":"not_found","message":"no","retriable":false}}')
    }),
  )
  const config = loadConfig(
    {
      ROOMLOG_LOG_URL: `memory:ingest-${process.pid}-${stages++}`,
      ROOMLOG_PARTITIONS: '4',
      ROOMLOG_AUTH_SECRET: secret,
      ROOMLOG_HTTP: '127.0.0.1:0',
      ROOMLOG_PERSISTENCE_URL: `http://127.0.0.1:${(persistence.address() as AddressInfo).port}`,
      ROOMLOG_ORIGINS: 'https://app.example',
      ROOMLOG_LOG_LEVEL: 'debug',
      ...env,
    },
    { app: 'ingest' },
  )
  const log = await openLog(config.logUrl, { partitions: config.partitions, topicPrefix: config.topicPrefix })
  await log.prepare(topics, 'relaxed')
  const authority = await new FakeAuthority(log).start()
  const lines: string[] = []
  const logger = createLogger({ service: 'ingest', level: 'debug', write: (line) => lines.push(line) })
  const served: Served = await serve(IngestModule.register(config), {
    service: 'ingest',
    config,
    logger,
    health: new Health(),
    metrics: new Metrics(),
    prepare: IngestModule.prepare(config),
  })
  const close = async () => {
    await served.close()
    await authority.stop()
    await log.close()
    persistence.closeAllConnections()
    await new Promise((resolve) => persistence.close(resolve))
  }
  const server = served.app.getHttpAdapter().getInstance()
  const hasRoute = (method: string, url: string) => server.hasRoute({ method: method as never, url })
  return { hasRoute, url: served.url, log, config, authority, reads, lines, token, close }
}

export function token(claims: Record<string, unknown> = {}): Promise<string> {
  const { sub = 'ann', exp = Math.floor(Date.now() / 1_000) + 600, ...more } = claims
  return new SignJWT({ sub, exp, ...more } as never).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
