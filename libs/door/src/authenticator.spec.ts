import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Authenticator, isPrincipal } from './authenticator.js'

const secret = 'a secret of at least thirty-two bytes'
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600
const encode = (part: unknown) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** A token made by hand, as an attacker would. */
function forge(header: unknown, payload: unknown, key: string | Buffer = secret, hash = 'sha256'): string {
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}

const claims = { sub: 'ann', exp: inAnHour }
const hs256 = { alg: 'HS256' }

describe('a token signed with the secret', () => {
  const authenticator = new Authenticator({ secret })

  it('says who its bearer is and what it grants', async () => {
    const token = forge(hs256, {
      ...claims,
      did: 'phone',
      name: 'Ann',
      avatar: 'a.png',
      jti: 'j',
      roomlog: { service: 'bot', scopes: ['publish', 'unknown'], rooms: { 'g-*': ['read', 'fly'] }, teams: ['t/owner'] },
    })
    const principal = {
      user: 'ann',
      device: 'phone',
      name: 'Ann',
      avatar: 'a.png',
      jti: 'j',
      expiresAt: inAnHour * 1_000,
      service: 'bot',
      scopes: ['publish'],
      grants: [['g-*', ['read']]],
      teams: ['t/owner'],
    }
    expect(await authenticator.authenticate(token)).toEqual(principal)
    expect(await authenticator.authenticate(token)).toEqual(principal)
    expect(await authenticator.authenticate(forge(hs256, claims))).toMatchObject({ device: 'default', scopes: [], grants: [] })
  })

  const attacks: [title: string, token: string][] = [
    ['empty', ''],
    ['no JWT', 'abc'],
    ['three empty parts', '..'],
    ['of an endless length', `${'a'.repeat(9_000)}.${encode(claims)}.c`],
    ['unsigned', `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['unsigned, in capitals', `${encode({ alg: 'NONE' })}.${encode(claims)}.`],
    ['signed with another secret', forge(hs256, claims, 'other')],
    ['signed with nothing', forge(hs256, claims, '')],
    ['with a signature cut off', forge(hs256, claims).slice(0, -6)],
    ['without a signature', forge(hs256, claims).split('.').slice(0, 2).join('.')],
    ['of HS512', forge({ alg: 'HS512' }, claims, secret, 'sha512')],
    ['of RS256 where no keys are configured', forge({ alg: 'RS256' }, claims)],
    ['without an algorithm', forge({ typ: 'JWT' }, claims)],
    ['with a key of its own', forge({ ...hs256, jwk: { kty: 'oct', k: encode('k') } }, claims, 'k')],
    ['that points to a key set', forge({ ...hs256, jku: 'http://127.0.0.1/keys' }, claims)],
    ['that points to a certificate', forge({ ...hs256, x5u: 'http://127.0.0.1/cert' }, claims)],
    ['that brings a certificate', forge({ ...hs256, x5c: ['MII'] }, claims)],
    ['with an unknown critical header', forge({ ...hs256, crit: ['x'], x: 1 }, claims)],
    ['with a critical header that is known', forge({ ...hs256, crit: ['b64'], b64: true }, claims)],
    ['with a path as its key ID and another secret', forge({ ...hs256, kid: '../../dev/null' }, claims, '')],
    ['expired', forge(hs256, { ...claims, exp: inAnHour - 7_200 })],
    ['without expiry', forge(hs256, { sub: 'ann' })],
    ['with an expiry that is a text', forge(hs256, { ...claims, exp: String(inAnHour) })],
    ['with an expiry that is null', forge(hs256, { ...claims, exp: null })],
    ['not valid yet', forge(hs256, { ...claims, nbf: inAnHour })],
    ['without a subject', forge(hs256, { exp: inAnHour })],
    ['with a subject that is no text', forge(hs256, { ...claims, sub: 5 })],
    ['with an empty subject', forge(hs256, { ...claims, sub: '' })],
    ['with a control character in its subject', forge(hs256, { ...claims, sub: 'a\nb' })],
    ['with a subject that is not in normal form', forge(hs256, { ...claims, sub: 'e\u0301' })],
    ['with a device that is no text', forge(hs256, { ...claims, did: 1 })],
    ['with scopes that are no array', forge(hs256, { ...claims, roomlog: { scopes: 'publish' } })],
    ['with rooms that are an array', forge(hs256, { ...claims, roomlog: { rooms: ['a'] } })],
    ['with rights that are a text', forge(hs256, { ...claims, roomlog: { rooms: { a: 'admin' } } })],
    ['with a payload that is no object', forge(hs256, 'null')],
    ['with a payload that is no JSON', forge(hs256, '{')],
  ]
  it.each(attacks)('%s is unauthenticated, and the message does not quote it', async (_title, token) => {
    const refused = await authenticator.authenticate(token)
    expect(refused).toMatchObject({ code: 'unauthenticated', retriable: false })
    if (token.length > 10) expect(JSON.stringify(refused)).not.toContain(token.split('.')[1] || '\0')
  })

  it('ends with its expiry, also where it is remembered', async () => {
    let now = Date.now()
    const clocked = new Authenticator({ secret, now: () => now })
    const token = forge(hs256, claims)
    expect(isPrincipal(await clocked.authenticate(token))).toBe(true)
    now = (inAnHour + 3) * 1_000
    expect(await clocked.authenticate(token)).toMatchObject({ code: 'unauthenticated' })
    expect(await clocked.authenticate(token)).toMatchObject({ code: 'unauthenticated' })
  })

  it('is of the issuer and for the audience where these are configured', async () => {
    const strict = new Authenticator({ secret, issuer: 'me', audience: 'roomlog' })
    expect(isPrincipal(await strict.authenticate(forge(hs256, { ...claims, iss: 'me', aud: ['x', 'roomlog'] })))).toBe(true)
    for (const wrong of [{}, { iss: 'me' }, { aud: 'roomlog' }, { iss: 'you', aud: 'roomlog' }, { iss: 'me', aud: 'other' }]) {
      expect(await strict.authenticate(forge(hs256, { ...claims, ...wrong }))).toMatchObject({ code: 'unauthenticated' })
    }
  })
})

describe('a token signed with a key of the key set', () => {
  const keys = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  }
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let server: Server
  let jwksUrl: string
  let requests = 0

  beforeAll(async () => {
    const jwks = await Promise.all(
      Object.entries(keys).map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' })),
    )
    server = createServer((_request, response) => {
      requests++
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ keys: [...jwks, { kty: 'oct', kid: 'hmac', k: encode('shared'), alg: 'HS256' }] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  const sign = (alg: string, key: KeyObject, kid = alg) =>
    new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg, kid }).setExpirationTime(inAnHour).sign(key)

  it('is verified with RS256, ES256 and EdDSA; the keys are asked for once', async () => {
    const authenticator = new Authenticator({ jwksUrl })
    for (const [alg, { privateKey }] of Object.entries(keys)) {
      expect(await authenticator.authenticate(await sign(alg, privateKey)), alg).toMatchObject({ user: 'ann' })
    }
    expect(requests).toBe(1)
  })

  it('is refused with an HMAC under a public key, another key, a key ID of another algorithm', async () => {
    const authenticator = new Authenticator({ jwksUrl })
    const pem = keys.RS256.publicKey.export({ type: 'spki', format: 'pem' }) as string
    const attacks = [
      forge({ alg: 'HS256', kid: 'RS256' }, claims, pem),
      forge({ alg: 'HS256', kid: 'hmac' }, claims, 'shared'),
      await sign('ES256', other.privateKey),
      await sign('ES256', keys.ES256.privateKey, 'RS256'),
      await sign('ES256', keys.ES256.privateKey, 'unknown'),
      await sign('PS256', keys.RS256.privateKey, 'RS256'),
    ]
    for (const token of attacks) expect(await authenticator.authenticate(token)).toMatchObject({ code: 'unauthenticated' })
  })

  it('is not mistaken where a secret is configured as well', async () => {
    const both = new Authenticator({ jwksUrl, secret })
    expect(isPrincipal(await both.authenticate(forge(hs256, claims)))).toBe(true)
    expect(isPrincipal(await both.authenticate(await sign('EdDSA', keys.EdDSA.privateKey)))).toBe(true)
    expect(isPrincipal(await both.authenticate(forge({ alg: 'RS256', kid: 'RS256' }, claims)))).toBe(false)
  })

  it('is unavailable, not refused, while the keys cannot be had', async () => {
    const lonely = new Authenticator({ jwksUrl: 'http://127.0.0.1:9/keys' })
    expect(await lonely.authenticate(await sign('EdDSA', keys.EdDSA.privateKey))).toMatchObject({ code: 'unavailable', retriable: true })
  })
})
