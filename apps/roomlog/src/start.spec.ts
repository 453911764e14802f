import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { portsFrom, servicesOf } from './cluster/services.js'
import { lockDirectory } from './directory-lock.js'
import { explain } from './explain.js'
import { checkPort, freePort, isFree } from './ports.js'
import { readyLine } from './ready.js'

test('a data directory has one process at a time', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rl-'))
  const lock = await lockDirectory(dir)
  await expect(lockDirectory(join(dir, '.'))).rejects.toThrow(`another roomlog uses the directory ${dir}`)
  await lock.release()
  await (await lockDirectory(dir)).release()
  await rm(dir, { recursive: true })
})

test('a taken port is named together with its variable', async () => {
  const port = await freePort()
  expect(await isFree({ host: '127.0.0.1', port })).toBe(true)
  const server = createServer().listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  await expect(checkPort('ROOMLOG_HTTP', { host: '127.0.0.1', port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: another process listens there; set ROOMLOG_HTTP`,
  )
  server.close()
})

test('the ready line says where, on what, and how to have it otherwise', () => {
  const config = { databaseUrl: '', dataDir: join(process.cwd(), 'data') }
  expect(readyLine('http://127.0.0.1:7700', { ...config, logUrl: 'file:/x' })).toBe(
    'roomlog ready http://127.0.0.1:7700 (embedded; `npm run cluster` runs it on Kafka; data in ./data)',
  )
  expect(readyLine('http://h:1', { ...config, logUrl: 'kafka://user:secret@k:9092', dataDir: '/elsewhere' })).toBe(
    'roomlog ready http://h:1 (kafka://k:9092; data in /elsewhere)',
  )
})

test('the cluster is six processes on ports of their own that know each other', () => {
  const services = servicesOf('127.0.0.1', portsFrom({ http: 7700, admin: 7800 }), 'kafka://k:9092').flat()
  expect(services.map(({ name, url }) => `${name} ${url}`)).toEqual([
    'acl-1 http://127.0.0.1:7703',
    'acl-2 http://127.0.0.1:7704',
    'persistence http://127.0.0.1:7702',
    'ingest http://127.0.0.1:7701',
    'edge-1 http://127.0.0.1:7700',
    'edge-2 http://127.0.0.1:7705',
  ])
  for (const { env } of services)
    expect(env).toMatchObject({ ROOMLOG_INGEST_URL: 'http://127.0.0.1:7701', ROOMLOG_LOG_URL: 'kafka://k:9092' })
  expect(new Set(services.flatMap(({ env }) => [env.ROOMLOG_HTTP, env.ROOMLOG_ADMIN_HTTP])).size).toBe(12)
})

test('an error is told with its causes, once each, and without secrets', () => {
  const cause = new Error('connect ECONNREFUSED', { cause: new Error('postgres://user:hunter2@h/db') })
  expect(explain(new Error('cannot start: connect ECONNREFUSED', { cause }))).toBe(
    'cannot start: connect ECONNREFUSED: postgres://user:[redacted]@h/db',
  )
})
