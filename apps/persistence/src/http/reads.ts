/** The public reads: routes from the operation table, one function each. */
import { anonymousPrincipal, internalHeader, isPrincipal, type Principal, readInput, signedOut, verifyInternal } from '@roomlog/door'
import { type WireError, wireError } from '@roomlog/protocol'
import { type Operation, operations } from '@roomlog/protocol/operations'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { DataSource } from 'typeorm'
import type { Parts } from '../parts.js'
import { alias } from '../reads/alias.js'
import { devices } from '../reads/devices.js'
import { directory } from '../reads/directory.js'
import { history } from '../reads/history.js'
import { initialSync } from '../reads/initial-sync.js'
import { members } from '../reads/members.js'
import { profile } from '../reads/profile.js'
import { reached } from '../reads/reached.js'
import type { Answer, Reading } from '../reads/read.js'
import { rooms } from '../reads/rooms.js'
import { search } from '../reads/search.js'
import { state } from '../reads/state.js'
import { summary } from '../reads/summary.js'
import { why } from '../reads/why.js'
import { answer } from './answer.js'

type PublicRead = (reading: Reading & Pick<Parts, 'progress'> & { dataSource: DataSource; internal: boolean }) => Promise<Answer>

/** By the operation's name. */
const reads: Record<string, PublicRead> = {
  summary,
  history,
  members,
  state,
  rooms,
  initialSync,
  profile,
  devices,
  search,
  directory,
  alias,
  why,
}

export function registerReads(server: FastifyInstance, parts: Parts): void {
  for (const operation of operations) {
    const read = reads[operation.name]
    if (!read) continue
    for (const route of operation.routes) {
      server.get(route.replaceAll(/\{(\w+)\}/g, ':$1'), async (request, reply) =>
        answer(reply, await perform(operation, read, request, parts)),
      )
    }
  }
}

async function perform(operation: Operation, read: PublicRead, request: FastifyRequest, parts: Parts): Promise<Answer> {
  const { config, database, progress, log } = parts
  const internal = verifyInternal(config.secret, request.url, headerOf(request, internalHeader), Date.now())
  const principal = internal ? anonymousPrincipal() : await principalOf(operation, request, parts)
  if (!isPrincipal(principal)) return principal
  if (parts.revocations.has(principal)) return signedOut()
  const input = readInput(operation, request.params as Record<string, string>, request.query as Record<string, string>)
  if (!('ok' in input)) return input
  const late = await reached({ dataSource: database.dataSource, progress }, input.ok.atLeast)
  if (late) return late
  return read({
    dataSource: database.dataSource,
    partitions: log.partitions,
    progress,
    principal,
    internal,
    input: input.ok,
    limits: config.limits,
  })
}

/** Without a token where the operation may be anyone's; the rooms then say what the world may see. */
async function principalOf(operation: Operation, request: FastifyRequest, { authenticator }: Parts): Promise<Principal | WireError> {
  const token = tokenOf(request)
  if (token === undefined && operation.needs === 'anyone') return anonymousPrincipal()
  return token === undefined ? wireError('unauthenticated', 'a token is needed') : authenticator.authenticate(token)
}

function tokenOf(request: FastifyRequest): string | undefined {
  const header = /^Bearer (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  const inUrl = (request.query as Record<string, unknown>)['access_token']
  return header ?? (typeof inUrl === 'string' ? inUrl : undefined)
}

export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
