/** Reads go to persistence as they came: same path, same query, same token; the answer streams through. */
import { internalHeader } from '@roomlog/door'
import { wireError } from '@roomlog/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Pool } from 'undici'
import { refuse } from './answer.js'

const headersMsMax = 15_000
const connectionsMax = 64

export class Reads {
  private readonly pool: Pool

  constructor(persistenceUrl: string) {
    this.pool = new Pool(persistenceUrl, { connections: connectionsMax, headersTimeout: headersMsMax, bodyTimeout: headersMsMax })
  }

  close(): Promise<void> {
    return this.pool.destroy()
  }

  async forward(request: FastifyRequest, reply: FastifyReply, traceparent: string): Promise<FastifyReply> {
    const headers = forwarded(request.headers, traceparent)
    try {
      const answer = await this.pool.request({ method: 'GET', path: request.raw.url ?? '/', headers })
      for (const name of passedBack) {
        const value = answer.headers[name]
        if (value !== undefined) reply.header(name, value)
      }
      return reply.code(answer.statusCode).send(answer.body)
    } catch {
      return refuse(reply, wireError('unavailable', 'reads cannot be answered now'))
    }
  }

  /** The body of a read as its user, or undefined where it cannot be had in time. */
  async text(path: string, token: string, traceparent: string, timeoutMs: number): Promise<string | undefined> {
    try {
      const headers = { authorization: `Bearer ${token}`, traceparent }
      const answer = await this.pool.request({ method: 'GET', path, headers, signal: AbortSignal.timeout(timeoutMs) })
      const text = await answer.body.text()
      return answer.statusCode === 200 ? text : undefined
    } catch {
      return undefined
    }
  }
}

const passedBack = ['content-type', 'retry-after', 'cache-control', 'etag', 'www-authenticate']
const passedOn = ['authorization', 'accept', 'if-none-match']

/** Nothing else goes on: above all not the header with which services prove themselves to each other. */
function forwarded(given: FastifyRequest['headers'], traceparent: string): Record<string, string> {
  const headers: Record<string, string> = { traceparent }
  for (const name of passedOn) {
    const value = given[name]
    if (typeof value === 'string' && name !== internalHeader) headers[name] = value
  }
  return headers
}
