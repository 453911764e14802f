/**
 * What the edge does not serve itself it passes on to ingest: the same request with the same token, the answer streamed back.
 * Bodies are bounded by the server in front of this.
 */
import { wireError } from '@roomlog/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Agent, request as send } from 'undici'
import { addressOf } from './address.js'

export interface ProxyOptions {
  url: string
  agent: Agent
  trustProxy: boolean | number | readonly string[]
}

export function proxy(server: FastifyInstance, options: ProxyOptions): void {
  server.all('/v1/*', (request, reply) => pass(request, reply, options))
  for (const path of ['/docs', '/docs/*']) server.get(path, (request, reply) => pass(request, reply, options))
}

async function pass(request: FastifyRequest, reply: FastifyReply, { url, agent, trustProxy }: ProxyOptions): Promise<FastifyReply> {
  try {
    const answer = await send(`${url}${request.raw.url}`, {
      dispatcher: agent,
      method: request.method as 'GET',
      headers: { ...kept(request.headers, notPassedOn), 'x-forwarded-for': addressOf(request.raw, trustProxy) },
      body: request.body instanceof Buffer && request.body.length > 0 ? request.body : undefined,
    })
    reply.code(answer.statusCode)
    for (const [name, value] of Object.entries(kept(answer.headers, notPassedBack))) reply.header(name, value)
    return reply.send(answer.body)
  } catch {
    // A write may have been taken; a read was not answered.
    const error = request.method === 'GET' || request.method === 'HEAD' ? wireError('unavailable') : wireError('unknown')
    return reply.code(error.code === 'unknown' ? 504 : 503).send({ error })
  }
}

function kept(headers: Record<string, string | string[] | undefined>, without: ReadonlySet<string>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !without.has(entry[0])),
  )
}

/** RFC 9110, 7.6.1: they concern one connection. The browser's origin was judged here. */
const hopByHop = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']
const notPassedOn = new Set([...hopByHop, 'host', 'content-length', 'expect', 'origin', 'x-forwarded-for', 'roomlog-internal'])
const notPassedBack = new Set([...hopByHop, 'content-length'])
