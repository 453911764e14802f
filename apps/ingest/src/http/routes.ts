/** All routes of the table, registered in one place: commands here, reads at persistence; what is live is the edge's. */
import { type Operation, operations } from '@roomlog/protocol/operations'
import { errorBody } from '@roomlog/runtime'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Parts } from '../parts.js'
import { Commands } from './commands.js'
import { Completion } from './completion.js'
import type { Reads } from './reads.js'
import { traced } from './trace.js'

/** `server` does not listen yet. */
export function registerRoutes(server: FastifyInstance, parts: Parts, reads: Reads): void {
  const commands = new Commands(parts, new Completion(reads))
  const handlerOf = (operation: Operation) => (request: FastifyRequest, reply: FastifyReply) =>
    traced(request, reply, `${operation.method} ${operation.routes[0]}`, (traceparent) =>
      operation.kind === 'command'
        ? commands.handle({ operation, request, reply, traceparent })
        : reads.forward(request, reply, traceparent),
    )
  const errorHandler = (error: Error & { statusCode?: number }, _request: FastifyRequest, reply: FastifyReply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) parts.logger.error({ err: error }, 'a request failed')
    const message = status >= 500 ? 'something went wrong on our side' : error.message
    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(errorBody(status, message)))
  }
  for (const operation of operations) {
    if (operation.kind === 'live') continue
    for (const route of operation.routes) {
      server.route({
        method: operation.method,
        url: route.replaceAll(/\{(\w+)\}/g, ':$1'),
        handler: handlerOf(operation),
        errorHandler: errorHandler as never,
      })
    }
  }
}
