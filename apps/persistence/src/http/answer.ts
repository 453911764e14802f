import { type Code, codes, isCode, type WireError } from '@roomlog/protocol'
import type { FastifyReply } from 'fastify'

const json = 'application/json; charset=utf-8'

/** JSON text that is complete already, or an error in the contract's form, with the status of its code. */
export function answer(reply: FastifyReply, result: string | WireError): FastifyReply {
  if (typeof result === 'string') return reply.code(200).type(json).send(result)
  const code: Code = isCode(result.code) ? result.code : 'internal'
  if (code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
  return reply
    .code(codes[code].status)
    .type(json)
    .send(JSON.stringify({ error: result }))
}
