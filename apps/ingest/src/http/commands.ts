/** Command routes: authenticate, cut the body, charge, let the door perform, answer. */
import { isPrincipal, type Principal } from '@roomlog/door'
import { type Reply, wireError } from '@roomlog/protocol'
import type { Input, Operation } from '@roomlog/protocol/operations'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Parts } from '../parts.js'
import { answer, refuse } from './answer.js'
import type { Completion } from './completion.js'
import { inputsOf, tokenOf } from './input.js'

export interface CommandRequest {
  operation: Operation
  request: FastifyRequest
  reply: FastifyReply
  traceparent: string
}

export class Commands {
  constructor(
    private readonly parts: Parts,
    private readonly completion: Completion,
  ) {}

  async handle({ operation, request, reply, traceparent }: CommandRequest): Promise<FastifyReply> {
    const { config, authenticator, door } = this.parts
    const token = tokenOf(request.headers, request.query as Record<string, unknown>)
    const principal = await authenticator.authenticate(token ?? '')
    if (!isPrincipal(principal)) return refuse(reply, principal)
    const path = request.params as Record<string, string>
    const body = inputsOf(operation, path, request.body as Uint8Array | undefined, config.limits)
    if ('code' in body) return refuse(reply, body)
    const limited = door.charge(principal, body.inputs)
    if (limited) return refuse(reply, limited)
    if (body.array) {
      const outcomes = await this.many(principal, operation, body.inputs, traceparent)
      return answer(reply, `[${outcomes.map((outcome) => JSON.stringify(outcome.error ? { error: outcome.error } : outcome.ok)).join()}]`)
    }
    const input = body.inputs[0]!
    const outcome = await door.perform(principal, operation, input, { traceparent })
    if (outcome.error) return refuse(reply, outcome.error)
    const accepted = outcome.ok ?? {}
    return answer(reply, await this.completion.of({ operation, input, accepted, token: token!, traceparent }))
  }

  /** In their order: all are on their way before the first is decided. An alias is looked up once, so that it holds none of them back. */
  private async many(principal: Principal, operation: Operation, inputs: Input[], traceparent: string): Promise<Reply[]> {
    const aliases = new Map<string, string | undefined>()
    for (const { room } of inputs) if (typeof room === 'string' && room.startsWith('#')) aliases.set(room, undefined)
    try {
      for (const alias of aliases.keys()) aliases.set(alias, await this.parts.door.roomOf(alias))
    } catch {
      const error = wireError('unavailable', 'aliases cannot be looked up now')
      return inputs.map(() => ({ id: '', error }))
    }
    return Promise.all(
      inputs.map((input): Promise<Reply> => {
        if (!aliases.has(input.room)) return this.parts.door.perform(principal, operation, input, { traceparent })
        const room = aliases.get(input.room)
        if (room === undefined) return Promise.resolve({ id: '', error: wireError('not_found') })
        return this.parts.door.perform(principal, operation, { ...input, room }, { traceparent })
      }),
    )
  }
}
