import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Body, Controller, Get, HttpException, Inject, Module, Param, Post } from '@nestjs/common'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Config, loadConfig } from './config.js'
import { createLogger } from './logger.js'
import { Metrics } from './metrics.js'
import { CONFIG } from './runtime.module.js'
import { type Served, serve } from './serve.js'

const data = mkdtempSync(join(tmpdir(), 'roomlog-serve-'))
const open: Served[] = []

afterEach(async () => {
  for (const served of open.splice(0)) await served.close()
})
afterAll(() => rmSync(data, { recursive: true, force: true }))

@Controller()
class Routes {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get('v1/partitions') partitions() {
    return { partitions: this.config.partitions }
  }

  @Get('v1/admin/rooms') admin() {
    return 'secret'
  }

  @Get('v1/rooms/:room') room(@Param('room') room: string) {
    if (room === 'refused') throw new HttpException({ error: { code: 'not_member', message: 'no', retriable: false } }, 403)
    throw new Error(`database password of ${room}`)
  }

  @Post('v1/echo') echo(@Body() body: Buffer) {
    return { bytes: body.toString('hex') }
  }
}

@Module({ controllers: [Routes] })
class App {}

async function start(env: Record<string, string> = {}): Promise<Served> {
  const config = loadConfig({
    ROOMLOG_DATA: data,
    ROOMLOG_HTTP: '127.0.0.1:0',
    ROOMLOG_AUTH_SECRET: 'a-secret-of-at-least-thirty-two-bytes',
    ...env,
  })
  const logger = createLogger({ service: 'test', level: 'silent' })
  const served = await serve(App, { service: 'test', config, logger, metrics: new Metrics() })
  open.push(served)
  return served
}

const development = { ROOMLOG_AUTH_SECRET: '' }
const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

describe('a served app', () => {
  test('answers /health on both listeners, and /metrics on the operators’ only', async () => {
    const { url, adminUrl } = await start()
    expect(await status(`${url}/health/ready`)).toBe(200)
    expect(await status(`${adminUrl}/health/live`)).toBe(200)
    expect(await status(`${adminUrl}/metrics`)).toBe(200)
    expect(await status(`${url}/metrics`)).toBe(404)
  })

  test.each(['/v1/admin/rooms', '/v1/%61dmin/rooms', '/metrics', '/docs'])('hides %s from the public', async (path) => {
    const { url } = await start()
    expect(await status(url + path)).toBe(404)
  })

  test('shows administration to operators, and to everybody in development mode', async () => {
    const production = await start()
    expect(await status(`${production.adminUrl}/v1/admin/rooms`)).toBe(200)
    expect(await status(`${production.adminUrl}/v1/partitions`)).toBe(404)
    expect(await status(`${(await start(development)).url}/v1/admin/rooms`)).toBe(200)
  })

  test('gives every handler its body as bytes, whatever its type says', async () => {
    const { url } = await start()
    for (const type of ['application/json', 'text/plain', 'application/octet-stream']) {
      const answer = await fetch(`${url}/v1/echo`, { method: 'POST', headers: { 'content-type': type }, body: '{"a":1e400' })
      expect(await answer.json()).toEqual({ bytes: Buffer.from('{"a":1e400').toString('hex') })
    }
  })

  test('refuses a body above the limit', async () => {
    const { url } = await start({ ROOMLOG_LIMIT_FRAME_BYTES: '100' })
    const answer = await fetch(`${url}/v1/echo`, { method: 'POST', body: 'x'.repeat(101) })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: { code: 'too_large', retriable: false } })
  })

  test('bounds the headers of a request, in bytes and in time', async () => {
    const { url } = await start({ ROOMLOG_LIMIT_HEADER_BYTES: '2000', ROOMLOG_LIMIT_HEADER_MS: '200' })
    expect(await status(`${url}/health/live`, { headers: { x: 'y'.repeat(3_000) } })).toBe(431)
    const { hostname, port } = new URL(url)
    const slow = connect(Number(port), hostname, () => slow.write('GET / HTTP/1.1\r\nx: '))
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      slow.on('data', (chunk) => {
        text += chunk
      })
      slow.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 408/)
  })

  test('answers every error in one form, tells nothing of ours, and names the trace', async () => {
    const { url } = await start()
    const refused = await fetch(`${url}/v1/rooms/refused`)
    expect([refused.status, await refused.json()]).toEqual([403, { error: { code: 'not_member', message: 'no', retriable: false } }])
    const failed = await fetch(`${url}/v1/rooms/x`, { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } })
    const text = await failed.text()
    expect(failed.status).toBe(500)
    expect(JSON.parse(text).error.code).toBe('internal')
    expect(text).not.toContain('password')
    expect(failed.headers.get('traceparent')).toContain('a'.repeat(32))
    for (const headers of [{}, { traceparent: 'garbage' }])
      expect((await fetch(`${url}/nothing`, { headers })).headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  test('listens to pages of allowed origins only', async () => {
    const { url } = await start({ ROOMLOG_ORIGINS: 'https://app.example' })
    const from = (origin: string) => status(`${url}/v1/partitions`, { headers: { origin } })
    expect(await from('https://app.example')).toBe(200)
    expect(await from(url)).toBe(200)
    for (const origin of ['null', 'https://app.example.evil', 'https://evil-app.example', 'http://app.example', 'https://APP.example'])
      expect(await from(origin)).toBe(403)
  })

  test('tells the browser of an allowed page what it may do', async () => {
    const { url } = await start({ ROOMLOG_ORIGINS: 'https://app.example' })
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'PUT' }
    const preflight = await fetch(`${url}/v1/echo`, { method: 'OPTIONS', headers })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(await status(`${url}/v1/echo`, { method: 'OPTIONS', headers: { ...headers, origin: 'https://evil.example' } })).toBe(403)
    expect((await fetch(`${url}/v1/partitions`)).headers.get('access-control-allow-origin')).toBeNull()
  })

  test('fails to start on a taken port, and leaves nothing open', async () => {
    const { url } = await start()
    const port = new URL(url).port
    await expect(start({ ROOMLOG_HTTP: `127.0.0.1:${port}` })).rejects.toThrow('EADDRINUSE')
  })

  test('is not ready once it closes, and closes once', async () => {
    const served = await start()
    await Promise.all([served.close(), served.close()])
    expect((await served.health.readiness()).status).toBe('not_ready')
    await expect(fetch(`${served.url}/health/live`)).rejects.toThrow()
  })
})
