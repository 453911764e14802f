/** The HTTP routes of what an edge serves itself: authenticate, cut the body, charge, perform, answer. */
import { anonymousPrincipal, isPrincipal, RateLimiter, readInput } from '@roomlog/door'
import { codes, parseEnvelope, type WireError, wireError } from '@roomlog/protocol'
import { type Input, type Operation, operations, pathMembers } from '@roomlog/protocol/operations'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressOf } from './address.js'
import type { EdgeParts } from './edge.js'
import { tokenOf } from './token.js'

export interface LiveRoutesOptions {
  edge: EdgeParts
  trustProxy: boolean | number | readonly string[]
}

/** `server` does not listen yet. Streams have routes of their own. */
export function liveRoutes(server: FastifyInstance, { edge, trustProxy }: LiveRoutesOptions): void {
  const { userMessagesPerSecond: perSecond, userMessagesBurst: burst } = edge.limits
  const limiter = new RateLimiter({ perSecond, burst })
  for (const operation of operations) {
    if (operation.kind !== 'live' || !edge.live.performs(operation)) continue
    for (const route of operation.routes) {
      server.route({
        method: operation.method,
        url: route.replaceAll(/\{(\w+)\}/g, ':$1'),
        handler: async (request, reply) => {
          const principal = await principalOf(request, edge)
          if (!isPrincipal(principal)) return refuse(reply, principal)
          const charged = principal.anonymous ? `address ${addressOf(request.raw, trustProxy)}` : principal.user
          const retryAfterMs = limiter.take(charged)
          if (retryAfterMs > 0) return refuse(reply, wireError('limited', undefined, { retryAfterMs }))
          const input = operation.method === 'GET' ? queryInput(operation, request) : bodyInput(operation, request, edge)
          if (!('ok' in input)) return refuse(reply, input)
          const outcome = await edge.live.perform(principal, operation, input.ok)
          return 'error' in outcome ? refuse(reply, outcome.error) : reply.code(200).send(outcome.ok)
        },
      })
    }
  }
}

export function refuse(reply: FastifyReply, error: WireError): FastifyReply {
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1_000))
  return reply.code(codes[error.code].status).send({ error })
}

async function principalOf(request: FastifyRequest, { door }: EdgeParts) {
  const token = tokenOf(request.raw)
  return token === undefined ? anonymousPrincipal() : door.authenticate(token)
}

function queryInput(operation: Operation, request: FastifyRequest): { ok: Input } | WireError {
  return readInput(operation, request.params as Record<string, string>, request.query as Record<string, string>)
}

function bodyInput(operation: Operation, request: FastifyRequest, { limits }: EdgeParts): { ok: Input } | WireError {
  const path = request.params as Record<string, string>
  const body = request.body instanceof Buffer && request.body.length > 0 ? request.body : Buffer.from('{}')
  const parsed = parseEnvelope(body, { raw: ['content'], depthMax: limits.jsonDepth, keysMax: limits.jsonKeys })
  if ('invalid' in parsed) return wireError('invalid', parsed.invalid, parsed.field === undefined ? {} : { field: parsed.field })
  for (const name of pathMembers(operation.routes[0]!))
    if (name in parsed.ok) return wireError('invalid', `${name} is given by the path`, { field: name })
  return { ok: { ...parsed.ok, ...path } }
}
