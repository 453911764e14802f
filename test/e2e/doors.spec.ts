/** Bad input at every door: a clear error with its code, nothing half done, everybody else untouched. */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { http } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'
import { deployment, otherUrl, Person, tokens, unique, url } from './world.ts'

const text = (content: string) => `{"type":"msg.text","content":${content}}`
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('the HTTP door', () => {
  const bad: [title: string, body: string | Uint8Array, status: number, code: string][] = [
    ['invalid JSON', '{"type":', 422, 'invalid'],
    ['no JSON object', '"text"', 422, 'invalid'],
    ['a wrong type', '{"type":5,"content":{}}', 422, 'invalid'],
    ['a missing type', '{"content":{}}', 422, 'invalid'],
    ['an unknown member', '{"type":"msg.text","content":{},"sender":"root"}', 422, 'invalid'],
    ['a duplicate key in the envelope', '{"type":"msg.text","type":"msg.other","content":{}}', 422, 'invalid'],
    ['a __proto__ key in the envelope', '{"type":"msg.text","content":{},"__proto__":{"admin":true}}', 422, 'invalid'],
    ['a lone surrogate, escaped', text('{"body":"\\ud800"}'), 422, 'invalid'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('{"type":"msg.text","content":{"body":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
      422,
      'invalid',
    ],
    ['deep nesting', text(nested(5_000)), 422, 'invalid'],
    ['a control character in a type', '{"type":"msg\\u0007","content":{}}', 422, 'invalid'],
    ['a content beyond its limit', text(JSON.stringify({ body: 'x'.repeat(70_000) })), 413, 'too_large'],
    ['a body beyond its limit', text(JSON.stringify({ body: 'x'.repeat(1_500_000) })), 413, 'too_large'],
    ['more than 100 items', JSON.stringify(Array.from({ length: 101 }, () => ({ type: 'msg.text', content: {} }))), 413, 'too_large'],
  ]

  test('refuses every bad body with its code and appends nothing', async () => {
    const anna = await Person.named('anna')
    const room = await anna.createRoom({ access: 'public' })
    const first = await anna.http.publish(room, 'before')
    const answers = []
    for (const [title, body] of bad) {
      const answer = await http(url, anna.token, 'POST', `/v1/rooms/${room}/events`, body)
      answers.push([title, answer.status, answer.body?.error?.code])
      expect(typeof answer.body?.error?.message, title).toBe('string')
    }
    expect(answers).toEqual(bad.map(([title, , status, code]) => [title, status, code]))
    expect((await anna.http.publish(room, 'after')).seq).toBe(first.seq + 1)
  })

  test('refuses IDs with control characters or without a canonical form', async () => {
    const anna = await Person.named('anna')
    for (const id of ['a%00b', 'a%0Ab', encodeURIComponent('e\u0301'), 'x'.repeat(300)]) {
      const answer = await anna.http.post(`/v1/rooms/${id}/join`)
      expect([id.slice(0, 12), answer.status, answer.body.error.code]).toEqual([id.slice(0, 12), 422, 'invalid'])
    }
  })
})

describe('tokens', () => {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const hmac = (header: object, payload: object, secret: string) => {
    const signed = `${encode(header)}.${encode(payload)}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const inAnHour = Math.floor(Date.now() / 1_000) + 3_600
  const forged: [title: string, token: () => Promise<string> | string][] = [
    ['none at all', () => ''],
    ['not a JWT', () => 'abc'],
    ['expired', () => tokens.sign({ sub: 'eve', expiresIn: -120 })],
    ['without expiry', () => hmac({ alg: 'HS256' }, { sub: 'eve' }, tokens.secret)],
    ['with an expiry that is no number', () => hmac({ alg: 'HS256' }, { sub: 'eve', exp: '9999999999' }, tokens.secret)],
    ['unsigned', () => `${encode({ alg: 'none' })}.${encode({ sub: 'eve', exp: inAnHour })}.`],
    ['signed with another secret', () => hmac({ alg: 'HS256' }, { sub: 'eve', exp: inAnHour }, 'other')],
    ['of another algorithm', () => hmac({ alg: 'HS512' }, { sub: 'eve', exp: inAnHour }, tokens.secret)],
    ['with an unknown critical header', () => hmac({ alg: 'HS256', crit: ['x'], x: 1 }, { sub: 'eve', exp: inAnHour }, tokens.secret)],
    [
      'with a key of its own',
      () => {
        const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
        return hmac({ alg: 'HS256', jwk }, { sub: 'eve', exp: inAnHour }, 'other')
      },
    ],
    ['without a subject', () => hmac({ alg: 'HS256' }, { exp: inAnHour }, tokens.secret)],
    [
      'with a changed payload',
      async () => {
        const [head, , signature] = (await tokens.user('anna')).split('.')
        return `${head}.${encode({ sub: 'admin', exp: inAnHour })}.${signature}`
      },
    ],
  ]

  test.each(forged)('a token %s is refused over HTTP and on the socket', async (_title, make) => {
    const token = await make()
    const answer = await http(url, token, 'POST', '/v1/rooms', {})
    expect([answer.status, answer.body.error.code]).toEqual([401, 'unauthenticated'])
    expect(answer.text).not.toContain(token || '\0')
    if (!token) return
    const socket = await WireSocket.open(otherUrl)
    const refused = await socket.request({ op: 'auth', token })
    expect(refused.error.code).toBe('unauthenticated')
    expect((await socket.untilClosed()).code).toBe(4200)
  })

  test('a socket takes its token from the header, the URL, the subprotocol or the first message', async () => {
    const anna = await Person.named('anna')
    const room = await anna.createRoom()
    const sockets = [
      await WireSocket.open(url, undefined, { headers: { authorization: `Bearer ${anna.token}` } }),
      await WireSocket.open(url, undefined, { query: `?access_token=${anna.token}` }),
      await WireSocket.open(url, undefined, { protocols: ['roomlog.v1', `bearer.${anna.token}`] }),
      await WireSocket.open(url, anna.token),
    ]
    for (const socket of sockets) {
      expect((await socket.ok({ op: 'subscribe', room })).room).toBe(room)
      expect(socket.ws.protocol).toBe('roomlog.v1')
      await socket.close()
    }
  })

  test('access ends when the token expires, unless it was refreshed in band', async () => {
    const user = unique('anna')
    const short = () => tokens.sign({ sub: user, expiresIn: 2 })
    const [expiring, refreshed] = [await WireSocket.open(url, await short()), await WireSocket.open(url, await short())]
    await refreshed.ok({ op: 'auth', token: await tokens.user(user) })
    expect((await expiring.untilClosed(9_000)).code).toBe(4201)
    expect(await refreshed.ok({ op: 'ping' })).toBeDefined()
    await refreshed.close()
  })

  test('a refresh with the token of somebody else is refused', async () => {
    const anna = await Person.named('anna')
    const socket = await anna.socket()
    const answer = await socket.request({ op: 'auth', token: await tokens.user('somebody-else') })
    expect(answer.error.code).toBe('forbidden')
  })
})

describe('the WebSocket door', () => {
  test('every bad frame gets an error with its code, and the connection goes on', async () => {
    const anna = await Person.named('anna')
    const room = await anna.createRoom()
    const socket = await anna.socket()
    const bad: [frame: string, code: string][] = [
      [`{"id":1,"op":"nonsense"}`, 'invalid'],
      [`{"id":1,"op":"do","room":"${room}","type":5,"content":{}}`, 'invalid'],
      [`{"id":1,"op":"do","room":"${room}","type":"msg.text","content":{"a":"\\udc00"}}`, 'invalid'],
      [`{"id":1,"op":"do","room":"a\\u0000","type":"msg.text","content":{}}`, 'invalid'],
      [`{"id":1,"op":"do","room":"${room}","type":"msg.text","content":${nested(3_000)}}`, 'invalid'],
      [`{"id":1,"op":"do","room":"${room}","type":"msg.text","content":{"b":"${'x'.repeat(70_000)}"}}`, 'too_large'],
      [`{"id":1,"op":"subscribe","room":"${room}","position":"nonsense"}`, 'invalid'],
      [`{"id":1,"op":"subscribe","room":"${room}","from":-1}`, 'invalid'],
    ]
    for (const [frame, code] of bad) {
      const seen = socket.frames.length
      socket.send(frame)
      const answer = await socket.next((candidate) => candidate.error && socket.frames.indexOf(candidate) >= seen)
      expect([frame.slice(0, 60), answer.error.code]).toEqual([frame.slice(0, 60), code])
    }
    expect(await socket.ok({ op: 'ping' })).toBeDefined()
  })

  test('what is not JSON is a protocol error', async () => {
    const socket = await (await Person.named('anna')).socket()
    socket.send('{"op":')
    const answer = await socket.next((frame) => frame.error)
    expect(answer.error.code).toBe('invalid')
  })

  test('a frame beyond the limit ends the connection', async () => {
    const socket = await (await Person.named('anna')).socket()
    socket.send(`{"op":"ping","x":"${'x'.repeat(1_200_000)}"}`)
    expect([1009, 4204]).toContain((await socket.untilClosed()).code)
  })

  test('who does not authenticate is shown out after five seconds', async () => {
    const socket = await WireSocket.open(url)
    const refused = await socket.request({ op: 'subscribe', room: 'x' })
    expect(refused.error.code).toBe('unauthenticated')
    expect((await socket.untilClosed(8_000)).code).toBe(4200)
  })

  test.each(['http://evil.example', 'null', `${'http://127.0.0.1'}.evil.example`])(
    'a browser at %s is refused before the upgrade',
    async (origin) => {
      const ws = new WebSocket(`${otherUrl.replace('http', 'ws')}/v1/ws`, ['roomlog.v1'], { origin })
      const status = await new Promise((resolve) => {
        ws.once('unexpected-response', (_request, response) => resolve(response.statusCode))
        ws.once('open', () => resolve('open'))
        ws.once('error', () => {})
      })
      ws.terminate()
      expect(status).toBe(403)
    },
  )
})

test('a public room whose history is the world’s is read without a token, others are not', async () => {
  const anna = await Person.named('anna')
  const [open, closed] = [await anna.createRoom({ access: 'public', history: 'world' }), await anna.createRoom({ access: 'public' })]
  const { position } = await anna.http.publish(open, 'to everybody')
  const page = await http(url, null, 'GET', `/v1/rooms/${open}/events?atLeast=${position}`)
  expect([page.status, page.text.includes('to everybody')]).toEqual([200, true])
  expect((await http(url, null, 'GET', `/v1/rooms/${closed}/events`)).status).toBeGreaterThanOrEqual(401)
  const socket = await WireSocket.open(otherUrl, null)
  await socket.ok({ op: 'subscribe', room: open, from: 1 })
  await socket.next((frame) => frame.event?.content?.body === 'to everybody')
  expect((await socket.request({ op: 'subscribe', room: closed })).error.code).toBe('not_found')
  expect((await socket.request({ op: 'do', room: open, type: 'msg.text', content: {} })).error.code).toMatch(
    /unauthenticated|forbidden|not_member/,
  )
  await socket.close()
})

test('more messages than a connection may send are refused as limited, with the time to wait', async () => {
  const socket = await (await Person.named('anna')).socket()
  for (let i = 0; i < 400 && !socket.closed; i++) socket.send({ id: 10_000 + i, op: 'ping' })
  const limited = await socket.next((frame) => frame.error?.code === 'limited')
  expect(limited.error).toMatchObject({ retriable: true, retryAfterMs: expect.any(Number) })
  await socket.close()
})

test('no token appears in what the deployment shows of itself', async () => {
  const canary = await tokens.user(unique('canary'))
  await http(url, canary, 'POST', '/v1/rooms', {})
  const socket = await WireSocket.open(otherUrl, undefined, { query: `?access_token=${canary}` })
  await socket.close()
  for (const adminUrl of Object.values(deployment.adminUrls)) {
    for (const path of ['/metrics', '/health/ready'])
      expect(await (await fetch(`${adminUrl}${path}`)).text()).not.toContain(canary.split('.')[1])
  }
})
