import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, loadConfig } from './config.js'
import { defaultLimits, limitNames, limitVariable } from './limits.js'

const secret = 'a-secret-of-at-least-thirty-two-bytes'
let data: string

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'roomlog-config-'))
})

afterEach(() => rmSync(data, { recursive: true, force: true }))

const load = (env: Record<string, string> = {}, options = {}) => loadConfig({ ROOMLOG_DATA: data, ...env }, options)

function mistakes(env: Record<string, string>): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  return []
}

describe('the configuration', () => {
  test('has a default for everything', () => {
    const config = load()
    expect(config).toMatchObject({
      logUrl: `file:${data}/log`,
      databaseUrl: '',
      http: { host: '127.0.0.1', port: 7700 },
      adminHttp: { host: '127.0.0.1', port: 7800 },
      ingestUrl: 'http://127.0.0.1:7701',
      persistenceUrl: 'http://127.0.0.1:7702',
      publicUrl: 'http://127.0.0.1:7700',
      mqtt: { host: '127.0.0.1', port: 1883, given: false },
      partitions: 64,
      durability: 'strict',
      erasure: 'off',
      development: true,
    })
    expect(config.limits).toEqual(defaultLimits)
    expect(config.warnings).toEqual([])
  })

  test('gives each app its own port', () => {
    expect(['edge', 'ingest', 'persistence', 'acl'].map((app) => load({}, { app }).http.port)).toEqual([7700, 7701, 7702, 7703])
    expect(load({ ROOMLOG_HTTP: '127.0.0.1:9000' }, { app: 'acl' }).adminHttp.port).toBe(9100)
  })

  test('cannot be changed', () => {
    const config = load()
    expect(() => Object.assign(config, { partitions: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.limits, { eventBytes: 1 })).toThrow(TypeError)
  })

  test('names every variable that is wrong, in one message', () => {
    const env = {
      ROOMLOG_LOG_URL: 'redis://x',
      ROOMLOG_HTTP: '7700',
      ROOMLOG_PARTITIONS: 'many',
      ROOMLOG_DURABILITY: 'maybe',
      ROOMLOG_AUTH_SECRET: 'short',
      ROOMLOG_LIMIT_EVENT_BYTES: '0',
      ROOMLOG_ORIGINS: 'https://a.example/path',
      ROOMLOG_KAFKA_SASL: 'nobody',
    }
    const found = mistakes(env)
    expect(found.map((mistake) => mistake.split(':')[0])).toEqual(expect.arrayContaining(Object.keys(env)))
    expect(found).toHaveLength(Object.keys(env).length)
  })

  test('never repeats a secret in a mistake', () => {
    expect(mistakes({ ROOMLOG_AUTH_SECRET: 'hunter2', ROOMLOG_KAFKA_SASL: 'plain:user' }).join()).not.toMatch(/hunter2|plain:user/)
  })

  test('reports an unknown name of ours with the one that was meant, and leaves Kubernetes alone', () => {
    expect(
      load({ ROOMLOG_LIMIT_EVENT_BITES: '1', ROOMLOG_EDGE_SERVICE_HOST: '10.0.0.1', ROOMLOG_PORT_7700_TCP: 'tcp://x' }).warnings,
    ).toEqual(['ROOMLOG_LIMIT_EVENT_BITES: unknown, did you mean ROOMLOG_LIMIT_EVENT_BYTES?'])
  })

  test('says what it asks for in vain, and refuses where that would be unsafe', () => {
    expect(load({ ROOMLOG_MQTT: '127.0.0.1:1884', ROOMLOG_EDGE_WORKERS: '2' }).warnings).toHaveLength(2)
    expect(mistakes({ ROOMLOG_ERASURE: 'keys' })).toEqual(['ROOMLOG_ERASURE: keys is not available in this version'])
  })

  test('takes every limit from its own variable', () => {
    const env = Object.fromEntries(limitNames.map((name, index) => [limitVariable(name), String(index + 1)]))
    expect(Object.values(load(env).limits)).toEqual(limitNames.map((_, index) => index + 1))
  })

  test('understands where each listener and service is', () => {
    expect(load({ ROOMLOG_HTTP: '[::1]:80' }).publicUrl).toBe('http://[::1]:80')
    expect(load({ ROOMLOG_MQTT: '' }).mqtt).toBeUndefined()
    expect(load({ ROOMLOG_MQTT: '127.0.0.1:1884' }).mqtt).toEqual({ host: '127.0.0.1', port: 1884, given: true })
    expect(load({ ROOMLOG_LOG_URL: 'kafka://a:1,b:2' }).logUrl).toBe('kafka://a:1,b:2')
    expect(load({ ROOMLOG_LOG_URL: 'kafka:a:1' }).logUrl).toBe('kafka:a:1')
  })
})

describe('development mode', () => {
  test('makes one random secret, readable by its owner only, and keeps it', () => {
    const first = load()
    const path = join(data, 'dev-secret')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8').trim()).toBe(first.auth.secret)
    expect(load().auth.secret).toBe(first.auth.secret)
    expect(first.auth.secret!.length).toBeGreaterThanOrEqual(43)
  })

  test('is refused on any address but loopback', () => {
    expect(mistakes({ ROOMLOG_HTTP: '0.0.0.0:7700', ROOMLOG_ADMIN_HTTP: '[::]:7800' }).map((text) => text.split(':')[0])).toEqual([
      'ROOMLOG_HTTP',
      'ROOMLOG_ADMIN_HTTP',
    ])
    expect(mistakes({ ROOMLOG_HTTP: '0.0.0.0:7700', ROOMLOG_AUTH_SECRET: secret })).toEqual([])
  })

  test('is not what a client starts: it creates nothing', () => {
    expect(load({}, { client: true }).auth.secret).toBeUndefined()
    expect(() => statSync(join(data, 'dev-secret'))).toThrow('ENOENT')
  })
})

describe('the deployment secret', () => {
  test('is derived from the secret of tokens, and another one', () => {
    const config = load({ ROOMLOG_AUTH_SECRET: secret })
    expect(config.secret).toBe(load({ ROOMLOG_AUTH_SECRET: secret }).secret)
    expect(config.secret).not.toContain(secret)
    expect(load({ ROOMLOG_AUTH_SECRET: `${secret}2` }).secret).not.toBe(config.secret)
  })

  test('is required where there are only keys', () => {
    const keys = { ROOMLOG_AUTH_JWKS_URL: 'https://keys.example/jwks' }
    expect(mistakes(keys)[0]).toMatch(/^ROOMLOG_SECRET: is required/)
    expect(load({ ...keys, ROOMLOG_SECRET: secret })).toMatchObject({ secret, development: false })
  })
})
