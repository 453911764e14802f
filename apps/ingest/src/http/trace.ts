/** Every request has a trace: the caller's, or a new one; the answer names it. */
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { contextOf, traceparentOf, tracer } from '@roomlog/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Runs a handler inside the request's span. `route` is the table's, never the path with its IDs. */
export async function traced<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  route: string,
  handle: (traceparent: string) => Promise<T>,
): Promise<T> {
  const { traceparent: given } = request.headers
  const parent = contextOf(typeof given === 'string' ? given : undefined)
  const span = tracer().startSpan(route, { kind: SpanKind.SERVER }, parent)
  const active = trace.setSpan(parent, span)
  const traceparent = traceparentOf(active)
  reply.header('traceparent', traceparent)
  try {
    return await context.with(active, () => handle(traceparent))
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.setAttribute('http.response.status_code', reply.statusCode)
    span.end()
  }
}
