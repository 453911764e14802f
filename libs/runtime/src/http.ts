/**
 * The HTTP server under every app: Fastify with our bounds, bodies as bytes, errors in the contract's form, and one rule for
 * which listener may see which route.
 */
import { Buffer } from 'node:buffer'
import type { Server as HttpServer } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Config } from './config.js'
import { errorBody } from './failure.filter.js'
import type { Health } from './health.js'
import type { Metrics } from './metrics.js'
import { originAllowed } from './origin.js'
import { contextOf, traceparentOf } from './tracing.js'

export interface HttpParts {
  config: Config
  health: Health
  metrics: Metrics
  /** True for a request that came in through the operators' listener. */
  isAdmin(request: FastifyRequest): boolean
  /** Our own addresses, known once we listen. */
  ownUrls(): readonly string[]
}

/** Bodies reach the handlers as `Buffer` (or undefined): the doors cut raw content out of them and never parse it. */
export function httpServer(parts: HttpParts): FastifyInstance {
  const { config } = parts
  const server: FastifyInstance = fastify<HttpServer>({
    bodyLimit: config.limits.frameBytes,
    trustProxy: trustedProxies(config.trustProxy),
    requestTimeout: requestMsMax,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    // An ID of 255 bytes may stand percent-encoded.
    routerOptions: { maxParamLength: 255 * 3 },
    http: { maxHeaderSize: config.limits.headerBytes, headersTimeout: config.limits.headerMs, connectionsCheckingInterval: 1_000 },
    frameworkErrors: (error, _request, reply) => void (reply as FastifyReply).code(422).send(errorBody(422, error.message)),
  })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, Buffer.from(body)))
  guardRoutes(server, parts)
  addOwnRoutes(server, parts)
  return server
}

/** A number is how many proxies stand before us. */
function trustedProxies(trust: Config['trustProxy']) {
  return typeof trust === 'number' ? (_address: string, hop: number) => hop < trust : trust
}

const requestMsMax = 60_000
const keepAliveMs = 65_000

/** What only operators see, unless in development. */
const operatorPaths = ['/metrics', '/docs', '/v1/admin']

function guardRoutes(server: FastifyInstance, parts: HttpParts): void {
  const { config } = parts
  server.addHook('onRequest', async (request, reply) => {
    const admin = parts.isAdmin(request)
    const operators = isOperatorRoute(request)
    if (admin ? !operators && !isHealth(request) : operators && !config.development)
      return reply.code(404).send(errorBody(404, 'there is no such route'))
    if (!admin && !originAllowed(request.headers.origin, config, parts.ownUrls()))
      return reply.code(403).send(errorBody(403, 'this origin is not allowed'))
    if (request.headers.origin !== undefined) reply.headers(browserHeaders(request.headers.origin))
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined)
      return reply.code(204).headers(preflightHeaders).send()
  })
  server.addHook('onSend', async (request, reply) => {
    if (!reply.hasHeader('traceparent')) reply.header('traceparent', traceparentOf(contextOf(String(request.headers.traceparent))))
  })
}

/** What the browser of an allowed page is told. Tokens stand in headers, never in cookies, so credentials are not needed. */
const browserHeaders = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'traceparent, retry-after',
  vary: 'origin',
})

const preflightHeaders = {
  'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  'access-control-allow-headers': 'authorization, content-type, traceparent, last-event-id',
  'access-control-max-age': '600',
}

/** By the route that matched and by the path as decoded: `/v1/%61dmin` passes for a wildcard route, but means the same. */
function isOperatorRoute(request: FastifyRequest): boolean {
  return [request.routeOptions.url, decodedPath(request)].some(
    (path) => path !== undefined && operatorPaths.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
  )
}

function isHealth(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith('/health/') ?? false
}

function decodedPath(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0]!
  try {
    return new URL(decodeURIComponent(path).replace(/[/\\]+/g, '/'), 'http://x').pathname
  } catch {
    return path
  }
}

function addOwnRoutes(server: FastifyInstance, { health, metrics }: HttpParts): void {
  server.get('/health/live', async (_request, reply) => {
    const report = await health.liveness()
    return reply.code(report.status === 'live' ? 200 : 503).send(report)
  })
  server.get('/health/ready', async (_request, reply) => {
    const report = await health.readiness()
    return reply.code(report.status === 'ready' ? 200 : 503).send(report)
  })
  server.get('/metrics', async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.text()))
}
