/**
 * What persistence states to the other services: about access, about events that the log no longer keeps near, about how far
 * it is. Signed with the deployment's secret; to everybody else these routes do not exist.
 */
import { internalHeader, verifyInternal } from '@roomlog/door'
import { wireError } from '@roomlog/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Parts } from '../parts.js'
import { markedEvent } from '../reads/marked.js'
import { type Answer, notFound } from '../reads/read.js'
import { checkRebuild } from '../rebuild.js'
import { readAccess } from '../store/access.js'
import { readCheckpoints } from '../store/checkpoints.js'
import { revocationsAfter } from '../store/devices.js'
import { erasedOf } from '../store/erased.js'
import { eventsAfter } from '../store/events.js'
import { findEvent } from '../store/find.js'
import { answer } from './answer.js'
import { headerOf } from './reads.js'

export function registerInternal(server: FastifyInstance, parts: Parts): void {
  const { dataSource } = parts.database
  const { partitions } = parts.log
  const get = (route: string, statement: (request: FastifyRequest) => Promise<Answer>) =>
    server.get(route, async (request, reply) => {
      const signed = verifyInternal(parts.config.secret, request.url, headerOf(request, internalHeader), Date.now())
      return answer(reply, signed ? await statement(request) : notFound())
    })

  get('/internal/rooms/:room/access', async (request) => {
    const { epoch: _epoch, ...statement } = await readAccess(dataSource, roomOf(request), queryOf(request)['user'] ?? '', partitions)
    return JSON.stringify(statement)
  })
  get('/internal/rooms/:room/events', async (request) => {
    const [after, limit] = [numberOf(request, 'after', 0), numberOf(request, 'limit', parts.config.limits.pageEvents)]
    if (after === undefined || limit === undefined) return wireError('invalid')
    return JSON.stringify(
      await eventsAfter(dataSource, { room: roomOf(request), after, limit: Math.min(limit, parts.config.limits.pageEvents), partitions }),
    )
  })
  get('/internal/rooms/:room/erased', async (request) => JSON.stringify(await erasedOf(dataSource, roomOf(request), partitions)))
  get('/internal/rooms/:room/marker', async (request) => {
    const { user, event, reads } = queryOf(request)
    if (!user) return wireError('invalid')
    const marked = await markedEvent({ dataSource, partitions }, { room: roomOf(request), user, event, reads: reads === '1' })
    return marked ? JSON.stringify(marked) : notFound()
  })
  get('/internal/revocations', async (request) => {
    const after = numberOf(request, 'after', 0)
    return after === undefined ? wireError('invalid') : JSON.stringify(await revocationsAfter(dataSource, after))
  })
  get('/internal/events/:id', async (request) => {
    const event = await findEvent(dataSource, (request.params as { id: string }).id)
    return event ? event.value : notFound()
  })
  // One at a time: it reads the whole log.
  let rebuild: Promise<string> | undefined
  get('/internal/rebuild', () => {
    rebuild ??= checkRebuild(parts.log, parts.database)
      .then((report) => JSON.stringify(report))
      .finally(() => {
        rebuild = undefined
      })
    return rebuild
  })
  get('/internal/checkpoints', async () => JSON.stringify({ checkpoints: await readCheckpoints(dataSource) }))
}

const roomOf = (request: FastifyRequest) => (request.params as { room: string }).room
const queryOf = (request: FastifyRequest) => request.query as Record<string, string | undefined>

function numberOf(request: FastifyRequest, name: string, usual: number): number | undefined {
  const text = queryOf(request)[name]
  if (text === undefined) return usual
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
