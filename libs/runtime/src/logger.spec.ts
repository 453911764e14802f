import { describe, expect, test } from 'vitest'
import { createLogger, redact } from './logger.js'

const canary = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl-_c2ln'

function logging(options: { level?: 'debug' | 'info'; secrets?: string[] } = {}) {
  const lines: { line: string; to: string }[] = []
  const logger = createLogger({ service: 'edge', ...options, write: (line, to) => lines.push({ line, to }) })
  return { logger, lines, text: () => lines.map(({ line }) => line).join('') }
}

describe('the log', () => {
  test('puts errors on stderr and the rest on stdout, one JSON object a line, with the service', () => {
    const { logger, lines } = logging()
    logger.info({ connections: 3 }, 'connected')
    logger.error(new Error('broken'), 'failed')
    expect(lines.map(({ to }) => to)).toEqual(['stdout', 'stderr'])
    expect(JSON.parse(lines[0]!.line)).toMatchObject({ level: 'info', service: 'edge', connections: 3, msg: 'connected' })
    expect(JSON.parse(lines[1]!.line)).toMatchObject({ level: 'error', err: { message: 'broken' } })
  })

  test('keeps debug lines back unless asked for', () => {
    const quiet = logging()
    quiet.logger.debug('event received')
    expect(quiet.lines).toEqual([])
    const talkative = logging({ level: 'debug' })
    talkative.logger.debug('event received')
    expect(talkative.lines).toHaveLength(1)
  })

  test.each([
    ['as a member', { token: canary }],
    ['in a header', { headers: { authorization: `Bearer ${canary}` } }],
    ['in an address', { url: `/v1/ws?access_token=${canary}&x=1` }],
    ['in a subprotocol', { protocols: ['roomlog.v1', `bearer.${canary}`] }],
    ['deep inside', { a: { b: { c: { d: [canary] } } } }],
    ['in an error', { err: new Error(`token ${canary} is bad`, { cause: new Error(canary) }) }],
    ['under an innocent name', { note: canary }],
  ])('never shows a token: %s', (_where, line) => {
    const { logger, text } = logging()
    logger.info(line, `with ${canary}`)
    expect(text()).not.toContain(canary)
    expect(text()).not.toContain(canary.split('.')[2])
  })

  test('never shows an opaque token, a secret of ours or a password', () => {
    const { logger, text } = logging({ secrets: ['our-own-secret'] })
    logger.info({ a: 'x our-own-secret y', database: 'postgres://me:hunter2@db/x', url: '/?access_token=opaque123' })
    logger.error({ headers: { cookie: 'crumbs' } }, 'Authorization: Bearer opaque12345')
    expect(text()).not.toMatch(/our-own-secret|hunter2|opaque123|crumbs/)
    expect(text()).toContain('postgres://me:[redacted]@db/x')
  })

  test('shows an error of hundreds of lines short', () => {
    const { logger, text } = logging()
    const error = new Error('x'.repeat(10_000))
    error.stack = Array.from({ length: 500 }, (_, line) => `at ${line}`).join('\n')
    logger.error(error, 'failed')
    expect(text().length).toBeLessThan(1_500)
  })
})

test('what is no secret stays as it is', () => {
  expect(redact('GET http://127.0.0.1:7700/v1/rooms 200 in 3 ms')).toBe('GET http://127.0.0.1:7700/v1/rooms 200 in 3 ms')
})
