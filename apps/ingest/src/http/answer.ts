import { type Code, codes, isCode, type WireError } from '@roomlog/protocol'
import type { FastifyReply } from 'fastify'

const json = 'application/json; charset=utf-8'

/** An error in the contract's form, with the status of its code. */
export function refuse(reply: FastifyReply, error: WireError): FastifyReply {
  const code: Code = isCode(error.code) ? error.code : 'internal'
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1_000))
  if (code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
  return reply.code(codes[code].status).type(json).send(JSON.stringify({ error }))
}

/** JSON text that is complete already: raw parts in it stay as they are. */
export function answer(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(200).type(json).send(text)
}
