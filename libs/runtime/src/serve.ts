/**
 * Serves one Nest app: a public listener, an operators' listener, and an end in good order. Several apps can be served in one
 * process (the all-in-one does), each with its own listeners.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DynamicModule, LoggerService, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyRequest } from 'fastify'
import { type Config, webAddress } from './config.js'
import { FailureFilter } from './failure.filter.js'
import { Health } from './health.js'
import { httpServer } from './http.js'
import { createLogger, type Logger } from './logger.js'
import { type Metrics, metrics as processMetrics } from './metrics.js'
import { RuntimeModule } from './runtime.module.js'
import type { Address } from './variables.js'

export interface ServeOptions {
  /** `edge`, `acl` …; the field `service` of the logs. */
  service: string
  config: Config
  logger?: Logger
  health?: Health
  metrics?: Metrics
  /** Default: `config.http`. */
  http?: Address
  /** Default: `config.adminHttp`; `false` = no operators' listener (the all-in-one has one for all). */
  adminHttp?: Address | false
  /** Before listening: hybrid transports, routes of libraries, an `upgrade` handler on `app.getHttpServer()`. */
  prepare?: (app: NestFastifyApplication) => void | Promise<void>
}

export interface Served {
  url: string
  /** Empty without an operators' listener. */
  adminUrl: string
  app: NestFastifyApplication
  health: Health
  /** Not ready at once; then Nest's shutdown hooks, then the listeners. Safe to call again. */
  close(): Promise<void>
}

/**
 * Builds the app and listens. Resolves when both listeners accept; the hooks `onModuleInit` and `onApplicationBootstrap` have run by then.
 * @throws the error of a taken port or of a failing part; nothing stays open.
 */
export async function serve(module: Type | DynamicModule, options: ServeOptions): Promise<Served> {
  const { config, service } = options
  const logger = options.logger ?? createLogger({ service, level: config.logLevel, secrets: secretsOf(config) })
  const health = options.health ?? new Health()
  const metrics = options.metrics ?? processMetrics
  const adminRequests = new WeakSet<object>()
  const ownUrls: string[] = []
  const fastify = httpServer({
    config,
    health,
    metrics,
    isAdmin: (request: FastifyRequest) => adminRequests.has(request.raw),
    ownUrls: () => ownUrls,
  })
  const root = RuntimeModule.around(module, { config, logger, health, metrics })
  const app = await NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(fastify as never), {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(logger),
  })
  app.useGlobalFilters(new FailureFilter(logger))
  const admin = createServer({ maxHeaderSize: config.limits.headerBytes, headersTimeout: config.limits.headerMs }, (request, response) => {
    adminRequests.add(request)
    fastify.routing(request, response)
  })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= closeAll(app, admin, health))
  try {
    await options.prepare?.(app)
    const http = options.http ?? config.http
    await app.listen(http.port, http.host)
    ownUrls.push(...urlsOf(app.getHttpServer()))
    const adminHttp = options.adminHttp ?? config.adminHttp
    if (adminHttp) await listen(admin, adminHttp)
    const served = { url: ownUrls[0]!, adminUrl: adminHttp ? urlsOf(admin)[0]! : '', app, health, close }
    logger.info({ url: served.url, adminUrl: served.adminUrl }, 'started')
    return served
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** What must never appear in a log, beside everything that has the form of a token. */
export function secretsOf(config: Config): (string | undefined)[] {
  return [config.auth.secret, config.secret, config.token, config.kafka.sasl?.password]
}

async function closeAll(app: NestFastifyApplication, admin: Server, health: Health): Promise<void> {
  health.stop()
  await app.close()
  admin.closeAllConnections()
  if (admin.listening) await new Promise((resolve) => admin.close(resolve))
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => resolve())
  })
}

/** The first is how we name ourselves; the others are the same place as a browser may name it. */
function urlsOf(server: Server): string[] {
  const { address, port } = server.address() as AddressInfo
  const named = webAddress({ host: address, port })
  return address === '127.0.0.1' || address === '::1' ? [named, webAddress({ host: 'localhost', port })] : [named]
}

/** Nest's own lines, at `debug` where Nest says `log`: its start-up report is not ours. */
function nestLogger(logger: Logger): LoggerService {
  const line =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...rest: unknown[]) =>
      logger[level]({ nest: rest.filter((item) => typeof item === 'string').at(-1) }, String(message))
  return {
    log: line('debug'),
    verbose: line('debug'),
    debug: line('debug'),
    warn: line('warn'),
    error: line('error'),
    fatal: line('error'),
  }
}
