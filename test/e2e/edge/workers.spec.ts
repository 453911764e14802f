/** Several edge processes behind one port. Real: the processes. Not there: the other services, which a connection does not need. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { freePort, type Service, startService } from '../../harness/process.ts'
import { WireSocket } from '../../harness/socket.ts'
import { TokenSigner } from '../../harness/token.ts'
import { eventually } from '../world.ts'

const root = new URL('../../../', import.meta.url).pathname
const signer = new TokenSigner()
let edge: Service | undefined
let directory = ''
afterEach(async () => {
  await edge?.stop()
  await rm(directory, { recursive: true, force: true })
})

async function startEdge(): Promise<Service> {
  directory = await mkdtemp(join(tmpdir(), 'rl-'))
  const port = await freePort()
  const adminPort = await freePair()
  return startService({
    name: 'edge',
    script: join(root, 'apps/edge/dist/main.js'),
    url: `http://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    env: {
      ROOMLOG_AUTH_SECRET: signer.secret,
      ROOMLOG_DATA: directory,
      ROOMLOG_LOG_URL: 'memory:',
      ROOMLOG_DURABILITY: 'relaxed',
      ROOMLOG_EDGE_WORKERS: '2',
      ROOMLOG_HTTP: `127.0.0.1:${port}`,
      ROOMLOG_ADMIN_HTTP: `127.0.0.1:${adminPort}`,
    },
  })
}

/** A free port before another one: each worker has an operators' listener. */
async function freePair(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const next = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      next.once('error', () => resolve(false))
      next.listen(port + 1, '127.0.0.1', () => resolve(true))
    })
    next.close()
    if (isFree) return port
  }
}

const lines = (service: Service) =>
  service
    .output()
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)]
      } catch {
        return []
      }
    })
const started = (service: Service) => lines(service).filter(({ msg }) => msg === 'worker start')

test('connections are spread over the workers, a worker that dies is replaced, and all end in good order', async () => {
  edge = await startEdge()
  const service = edge
  const serving = () => lines(service).filter(({ msg }) => msg === 'started')
  await eventually(() => serving().length === 2)
  expect(
    started(service)
      .map(({ worker }) => worker)
      .sort(),
  ).toEqual([1, 2])
  const token = await signer.sign({ sub: 'anna' })
  const sockets = await Promise.all(Array.from({ length: 6 }, () => WireSocket.open(service.url, token)))
  for (const socket of sockets) expect(await socket.ok({ op: 'ping' })).toEqual({})
  const connections = lines(service).filter(({ msg }) => msg === 'connection')
  expect(new Set(connections.map(({ worker }) => worker))).toEqual(new Set([1, 2]))
  expect(Math.max(...connections.map((line) => line.connections))).toBeLessThan(6)

  process.kill(started(service)[0].pid, 'SIGKILL')
  await eventually(() => serving().length === 3)
  await eventually(async () => {
    const socket = await WireSocket.open(service.url, token)
    return socket.ok({ op: 'ping' })
  })
  const pids = started(service).map(({ pid }) => pid)
  await service.kill('SIGTERM')
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
  expect(sockets.some((socket) => socket.frames.some((frame) => frame.bye?.reason === 'drain'))).toBe(true)
})
