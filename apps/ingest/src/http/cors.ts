/**
 * What a page of an allowed origin may do. Whether an origin is allowed is decided before any route (exact list, `libs/runtime`);
 * here its browser is told. Tokens stand in headers, never in cookies, so credentials are not needed.
 */
import type { FastifyInstance } from 'fastify'

export function allowBrowsers(server: FastifyInstance): void {
  server.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    if (origin === undefined || reply.sent) return
    reply
      .header('access-control-allow-origin', origin)
      .header('vary', 'origin')
      .header('access-control-expose-headers', 'traceparent, retry-after')
  })
  server.options('/v1/*', async (_request, reply) =>
    reply
      .code(204)
      .header('access-control-allow-methods', 'GET, POST, PUT, DELETE')
      .header('access-control-allow-headers', 'authorization, content-type, traceparent')
      .header('access-control-max-age', '600')
      .send(),
  )
}
