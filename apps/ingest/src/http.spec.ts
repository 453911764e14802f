import { operations } from '@roomlog/protocol/operations'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, startStage, token } from './testing/stage.js'

type Answered = { error: { code: string } }

let stage: Stage

beforeAll(async () => {
  stage = await startStage({ ROOMLOG_LIMIT_USER_MESSAGES_PER_SECOND: '1000', ROOMLOG_LIMIT_USER_MESSAGES_BURST: '2000' })
})
afterAll(() => stage.close())
afterEach(() => {
  stage.authority.decide = () => undefined
})

async function request(
  method: string,
  path: string,
  options: { body?: string | Uint8Array; token?: string; headers?: Record<string, string> } = {},
) {
  const { body, headers } = options
  const bearer = options.token ?? (await token())
  const answer = await fetch(`${stage.url}${path}`, {
    method,
    headers: { ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }), 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: body as string }),
  })
  const text = await answer.text()
  return { status: answer.status, text, body: text ? JSON.parse(text) : undefined, headers: answer.headers }
}

const post = (path: string, body: string | Uint8Array, bearer?: string) => request('POST', path, { body, token: bearer })
const publisher = () => token({ sub: 'svc', roomlog: { service: 'svc', scopes: ['publish', 'impersonate'] } })

describe('a command over HTTP', () => {
  it('is answered with what was appended, and its content reaches the log to the byte', async () => {
    const content = '{ "n":12345678901234567890.10, "t":"\\u00e9é", "n":1,"__proto__":[1e400] }'
    const answer = await post('/v1/rooms/bytes/events', `{"content":${content},"type":"msg.text","actionId":3}`)
    expect([answer.status, answer.body]).toEqual([200, { event: '0-1-aaaaaaaa', room: 'bytes', seq: 1, position: expect.any(String) }])
    const command = stage.authority.commands.find(({ room }) => room === 'bytes')
    expect(command).toMatchObject({ type: 'msg.text', sender: { id: 'ann' }, device: 'default', rights: {}, content, actionId: 3 })
    expect(command?.digest).toMatch(/^[\w-]{22}$/)
  })

  it('answers the refusal of the authority with its status', async () => {
    stage.authority.decide = () => ({ code: 'conflict', message: 'm', retriable: false, lastActionId: 9 })
    const answer = await post('/v1/rooms/r/kick', '{"user":"bob"}')
    expect([answer.status, answer.body]).toEqual([409, { error: { code: 'conflict', message: 'm', retriable: false, lastActionId: 9 } }])
  })

  it('publishes an array in its order, each item with its own outcome', async () => {
    const items = Array.from({ length: 100 }, (_, n) => (n === 50 ? '{"type":"","content":0}' : `{"type":"t","content":${n}}`))
    const answer = await post('/v1/rooms/many/events', `[${items}]`)
    expect(answer.status).toBe(200)
    expect(answer.body).toHaveLength(100)
    expect(answer.body[50].error).toMatchObject({ code: 'invalid', field: 'type' })
    expect(answer.body.filter((_: unknown, n: number) => n !== 50).map((ok: { seq: number }) => ok.seq)).toEqual(
      Array.from({ length: 99 }, (_, n) => n + 1),
    )
    expect((await post('/v1/rooms/many/events', '[]')).body).toEqual([])
  })

  it('publishes into several rooms', async () => {
    const answer = await post(
      '/v1/events',
      '[{"room":"several-a","type":"t","content":1},{"room":"several-b","type":"t","content":2},{"type":"t","content":2}]',
    )
    expect(answer.body).toMatchObject([
      { room: 'several-a', seq: 1 },
      { room: 'several-b', seq: 1 },
      { error: { code: 'invalid', field: 'room' } },
    ])
  })

  it('sets state with and without key, and keeps slashes in a key', async () => {
    await request('PUT', '/v1/rooms/st/state/app.x', { body: '{"content":1}' })
    await request('PUT', '/v1/rooms/st/state/app.x/a%2Fb', { body: '{"content":null,"ifSeq":0}' })
    const commands = stage.authority.commands.filter(({ room }) => room === 'st')
    expect(commands.map(({ key, content, ifSeq }) => ({ key, content, ifSeq }))).toEqual([
      { key: '', content: '1' },
      { key: 'a/b', content: 'null', ifSeq: 0 },
    ])
  })

  it('makes a room with a minted ID, and with an action ID always the same one', async () => {
    const rooms = []
    for (const body of ['{}', '{}', '{"actionId":1}', '{"actionId":1}', '{"actionId":2}'])
      rooms.push((await post('/v1/rooms', body)).body.room)
    for (const room of rooms) expect(room).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(new Set(rooms).size).toBe(4)
    expect(rooms[2]).toBe(rooms[3])
    const others = await post('/v1/rooms', '{"actionId":1}', await token({ did: 'other' }))
    expect(others.body.room).not.toBe(rooms[2])
  })

  it('completes a join answer with what persistence knows at its position, events as they stand', async () => {
    stage.reads.answers.set('/v1/rooms/joined', '{"room":"joined","name":"Kitchen","topic":null,"aliases":["k"],"seq":1}')
    stage.reads.answers.set('/v1/rooms/joined/members', '{"members":[{"user":"ann"}]}')
    stage.reads.answers.set('/v1/rooms/joined/events', '{"events":[{"content":1.0}],"more":{"stored":false,"backfill":false}}')
    const answer = await post('/v1/rooms/joined/join', '{"filter":{"types":["msg.*"]}}')
    expect(answer.body).toMatchObject({ room: 'joined', seq: 1, name: 'Kitchen', aliases: ['k'], members: [{ user: 'ann' }] })
    expect(answer.text).toContain('"events":[{"content":1.0}]')
    const read = stage.reads.requests.find(({ url }) => url?.startsWith('/v1/rooms/joined/events'))
    const query = new URL(read!.url!, 'http://x').searchParams
    expect([query.get('types'), query.get('atLeast')]).toEqual(['msg.*', answer.body.position])
  })

  it('finds a room by its alias, and says not_found where there is none', async () => {
    stage.reads.answers.set('/v1/aliases/home', '{"room":"by-alias"}')
    expect((await post('/v1/rooms/%23home/join', '')).body.room).toBe('by-alias')
    const read = stage.reads.requests.find(({ url }) => url === '/v1/aliases/home')
    expect(read?.headers['roomlog-internal']).toBeDefined()
    expect((await post('/v1/rooms/%23none/join', '{}')).status).toBe(404)
  })

  it('is unknown when nobody decides in time', async () => {
    const slow = await startStage({ ROOMLOG_LIMIT_REPLY_MS: '100' })
    slow.authority.decide = () => 'silent'
    const answer = await fetch(`${slow.url}/v1/rooms/r/leave`, { method: 'POST', headers: { authorization: `Bearer ${await token()}` } })
    expect([answer.status, ((await answer.json()) as Answered).error]).toEqual([
      504,
      expect.objectContaining({ code: 'unknown', retriable: true }),
    ])
    await slow.close()
  })

  it('names its trace in the answer and in the command', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const given = await request('POST', '/v1/rooms/tr/leave', { headers: { traceparent } })
    expect(given.headers.get('traceparent')).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
    const made = await post('/v1/rooms/tr/leave', '')
    const batches = await Promise.all(Array.from({ length: 4 }, (_, partition) => stage.log.read('room.commands', partition, 0)))
    const headers = batches.flatMap(({ records }) => records.filter(({ key }) => key === 'tr').map((record) => record.headers.traceparent))
    expect(headers[0]).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
    expect(headers[1]).toBe(made.headers.get('traceparent'))
  })
})

describe('rights at the door', () => {
  it('go into the command as the token grants them in this room, and no others', async () => {
    const granted = await token({ roomlog: { rooms: { 'g-*': ['read', 'write'], 'g-2': ['admin'], other: ['logs'] } } })
    await post('/v1/rooms/g-1/leave', '', granted)
    await post('/v1/rooms/g-2/leave', '', granted)
    const rights = (room: string) => stage.authority.commands.find((command) => command.room === room)?.rights
    expect(rights('g-1')).toEqual({ read: true, write: true })
    expect(rights('g-2')).toEqual({ read: true, write: true, admin: true })
  })

  it.each([
    ['a chosen room ID', '/v1/rooms', '{"room":"mine"}', 403],
    ['a reserved room ID', '/v1/rooms', '{"room":"@ann"}', 422],
    ['somebody else’s inbox', '/v1/rooms/@bob/events', '{"type":"t","content":1}', 403],
    ['a system area', '/v1/rooms/system.files/events', '{"type":"t","content":1}', 403],
    ['onBehalfOf', '/v1/rooms/r/events', '{"type":"t","content":1,"onBehalfOf":"bob"}', 403],
    ['an idempotency key', '/v1/rooms/r/events', '{"type":"t","content":1,"idempotencyKey":"k"}', 403],
    ['a system event', '/v1/channels/events', '{"type":"files.new","content":1,"channels":["files"],"readers":["any"]}', 403],
  ])('%s needs more than a plain token', async (_title, path, body, status) => {
    const before = stage.authority.commands.length
    expect((await post(path, body)).status).toBe(status)
    expect(stage.authority.commands.length).toBe(before)
  })

  it('let services publish in their name and for others', async () => {
    const bearer = await publisher()
    expect((await post('/v1/rooms', '{"room":"chosen"}', bearer)).body.room).toBe('chosen')
    expect((await post('/v1/rooms/@bob/events', '{"type":"file.saved","content":1}', bearer)).status).toBe(200)
    expect((await post('/v1/rooms/r/events', '{"type":"t","content":1,"onBehalfOf":"bob","idempotencyKey":"k"}', bearer)).status).toBe(200)
    const system = await post(
      '/v1/channels/events',
      '{"type":"files.new","content":1,"channels":["files"],"readers":["team:t/owner"]}',
      bearer,
    )
    expect(system.body.room).toBe('system.files')
    expect(stage.authority.commands.find(({ room }) => room === 'system.files')).toMatchObject({
      channels: ['files'],
      readers: ['team:t/owner'],
      rights: { service: 'svc' },
    })
  })
})

describe('bad input', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  const cases: [title: string, path: string, body: string | Uint8Array, status: number, code: string, field?: string][] = [
    ['no JSON', '/v1/rooms/bad/events', '{"type":', 422, 'invalid', 'type'],
    ['no object', '/v1/rooms/bad/events', '"x"', 422, 'invalid'],
    ['no body where one is needed', '/v1/rooms/bad/events', '', 422, 'invalid', 'type'],
    ['a byte-order mark', '/v1/rooms/bad/events', '\ufeff{"type":"t","content":1}', 422, 'invalid'],
    ['invalid UTF-8', '/v1/rooms/bad/events', Buffer.from([0x7b, 0xff, 0x7d]), 422, 'invalid'],
    ['a wrong type', '/v1/rooms/bad/events', '{"type":5,"content":1}', 422, 'invalid', 'type'],
    ['a missing content', '/v1/rooms/bad/events', '{"type":"t"}', 422, 'invalid', 'content'],
    ['an unknown member', '/v1/rooms/bad/events', '{"type":"t","content":1,"rights":{"internal":true}}', 422, 'invalid', 'rights'],
    ['what the authority gives', '/v1/rooms/bad/events', '{"type":"t","content":1,"vouchedBy":"r"}', 422, 'invalid', 'vouchedBy'],
    ['a member of the path again', '/v1/rooms/bad/events', '{"type":"t","content":1,"room":"other"}', 422, 'invalid', 'room'],
    ['a duplicate key', '/v1/rooms/bad/events', '{"type":"t","type":"u","content":1}', 422, 'invalid', 'type'],
    ['__proto__', '/v1/rooms/bad/events', '{"type":"t","content":1,"__proto__":{"a":1}}', 422, 'invalid'],
    ['a lone surrogate in the content', '/v1/rooms/bad/events', '{"type":"t","content":"\\ud800"}', 422, 'invalid', 'content'],
    ['deep nesting', '/v1/rooms/bad/events', `{"type":"t","content":${nested(20_000)}}`, 422, 'invalid', 'content'],
    [
      'deep nesting outside of the content',
      '/v1/rooms/bad/events',
      `{"type":"t","content":1,"mentions":${nested(20_000)}}`,
      422,
      'invalid',
      'mentions',
    ],
    ['a control character in a type', '/v1/rooms/bad/events', '{"type":"a\\u0007","content":1}', 422, 'invalid', 'type'],
    ['a type that is not in normal form', '/v1/rooms/bad/events', '{"type":"e\\u0301","content":1}', 422, 'invalid', 'type'],
    ['a control character in a room', '/v1/rooms/a%00b/events', '{"type":"t","content":1}', 422, 'invalid', 'room'],
    ['a room that is too long', `/v1/rooms/${'x'.repeat(256)}/events`, '{"type":"t","content":1}', 422, 'invalid', 'room'],
    [
      'an action ID beyond 2^53',
      '/v1/rooms/bad/events',
      '{"type":"t","content":1,"actionId":9007199254740993}',
      422,
      'invalid',
      'actionId',
    ],
    ['a fractional action ID', '/v1/rooms/bad/events', '{"type":"t","content":1,"actionId":1.5}', 422, 'invalid', 'actionId'],
    [
      'a previous action that is not before',
      '/v1/rooms/bad/events',
      '{"type":"t","content":1,"actionId":1,"prevActionId":1}',
      422,
      'invalid',
      'prevActionId',
    ],
    [
      '101 mentions',
      '/v1/rooms/bad/events',
      JSON.stringify({ type: 't', content: 1, mentions: Array(101).fill('a') }),
      422,
      'invalid',
      'mentions',
    ],
    ['a kick of nobody', '/v1/rooms/bad/kick', '{}', 422, 'invalid', 'user'],
    ['an array where one is meant', '/v1/rooms/bad/kick', '[{"user":"a"}]', 422, 'invalid'],
    ['an unknown access', '/v1/rooms', '{"access":"open"}', 422, 'invalid', 'access'],
    ['101 invitees', '/v1/rooms', JSON.stringify({ invite: Array(101).fill('a') }), 422, 'invalid', 'invite'],
    ['a large content', '/v1/rooms/bad/events', JSON.stringify({ type: 't', content: 'x'.repeat(65_535) }), 413, 'too_large', 'content'],
    ['a large body', '/v1/rooms/bad/events', JSON.stringify({ type: 't', content: 'x'.repeat(1_048_577) }), 413, 'too_large'],
    ['101 items', '/v1/rooms/bad/events', `[${Array(101).fill('{"type":"t","content":1}')}]`, 413, 'too_large'],
    ['a broken path', '/v1/rooms/%E0%A4%A/events', '{"type":"t","content":1}', 422, 'invalid'],
    ['no such route', '/v1/nothing', '{}', 404, 'not_found'],
  ]

  it.each(cases)('%s is refused with its code, and nothing is written', async (_title, path, body, status, code, field) => {
    const before = stage.authority.commands.length
    const answer = await post(path, body)
    expect([answer.status, answer.body.error.code, answer.body.error.field]).toEqual([status, code, field])
    expect(typeof answer.body.error.message).toBe('string')
    expect(answer.body.error.retriable).toBe(false)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(stage.authority.commands.length).toBe(before)
  })

  it('leaves an envelope of the largest content and the deepest nesting alone', async () => {
    expect((await post('/v1/rooms/fits/events', JSON.stringify({ type: 't', content: 'x'.repeat(65_534) }))).status).toBe(200)
    expect((await post('/v1/rooms/fits/events', `{"type":"t","content":${nested(63)}}`)).status).toBe(200)
  })
})

describe('who may come in', () => {
  it.each(['', 'abc', 'a.b.c'])('the token %j is refused', async (bearer) => {
    const answer = await post('/v1/rooms', '{}', bearer)
    expect([answer.status, answer.body.error.code, answer.headers.get('www-authenticate')]).toEqual([401, 'unauthenticated', 'Bearer'])
  })

  it('takes the token from the query too', async () => {
    const answer = await fetch(`${stage.url}/v1/rooms?access_token=${await token()}`, { method: 'POST' })
    expect(answer.status).toBe(200)
  })

  it('allows exactly the configured origins, and tells their browsers', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'https://app.example.evil.example',
      'https://sub.app.example',
      'http://app.example',
    ]) {
      expect((await request('POST', '/v1/rooms', { body: '{}', headers: { origin } })).status).toBe(403)
    }
    const answer = await request('OPTIONS', '/v1/rooms', {
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual([
      204,
      'https://app.example',
      'origin',
    ])
  })

  it('limits a user, with the time to wait, and no service that publishes', async () => {
    const limited = await startStage({ ROOMLOG_LIMIT_USER_MESSAGES_PER_SECOND: '1', ROOMLOG_LIMIT_USER_MESSAGES_BURST: '2' })
    const send = async (bearer: string) => {
      const answer = await fetch(`${limited.url}/v1/rooms/r/leave`, { method: 'POST', headers: { authorization: `Bearer ${bearer}` } })
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() }
    }
    const bearer = await token()
    expect([(await send(bearer)).status, (await send(bearer)).status]).toEqual([200, 200])
    expect(await send(bearer)).toEqual({
      status: 429,
      retryAfter: '1',
      body: { error: { code: 'limited', message: expect.any(String), retriable: true, retryAfterMs: expect.any(Number) } },
    })
    const service = await publisher()
    for (let i = 0; i < 4; i++) expect((await send(service)).status).toBe(200)
    await limited.close()
  })
})

describe('reads', () => {
  it('go to persistence as they came, without the headers of services', async () => {
    stage.reads.answers.set('/v1/rooms/r/events', '{"events":[{"content":1.0}]}')
    const bearer = await token()
    const answer = await request('GET', '/v1/rooms/r/events?limit=5&types=a,b', {
      token: bearer,
      headers: { 'roomlog-internal': 'forged', cookie: 'c' },
    })
    expect([answer.status, answer.text]).toEqual([200, '{"events":[{"content":1.0}]}'])
    const read = stage.reads.requests.at(-1)!
    expect([read.url, read.headers.authorization]).toEqual(['/v1/rooms/r/events?limit=5&types=a,b', `Bearer ${bearer}`])
    expect(read.headers).not.toHaveProperty('roomlog-internal')
    expect(read.headers).not.toHaveProperty('cookie')
    expect((await request('GET', '/v1/rooms/gone')).status).toBe(404)
  })

  it('are unavailable while persistence is', async () => {
    const alone = await startStage({ ROOMLOG_PERSISTENCE_URL: 'http://127.0.0.1:9' })
    const answer = await fetch(`${alone.url}/v1/rooms`, { headers: { authorization: `Bearer ${await token()}` } })
    expect([answer.status, ((await answer.json()) as Answered).error.code]).toEqual([503, 'unavailable'])
    const created = await fetch(`${alone.url}/v1/rooms`, { method: 'POST', headers: { authorization: `Bearer ${await token()}` } })
    expect([created.status, Object.keys((await created.json()) as Answered)]).toEqual([200, ['event', 'room', 'seq', 'position']])
    await alone.close()
  })
})

describe('what it shows of itself', () => {
  it('is every route of the operation table that is not the edge’s own', () => {
    const missing = operations.flatMap(({ kind, method, routes }) =>
      kind === 'live' ? [] : routes.filter((route) => !stage.hasRoute(method, route.replaceAll(/\{(\w+)\}/g, ':$1'))),
    )
    expect(missing).toEqual([])
    expect(stage.hasRoute('PATCH', '/v1/rooms')).toBe(false)
  })

  it('has its documents in development only, and never a token in its logs', async () => {
    expect((await request('GET', '/docs/openapi.json')).status).toBe(404)
    const canary = await token({ sub: 'canary-user' })
    await post('/v1/rooms', '{}', canary)
    await fetch(`${stage.url}/v1/rooms?access_token=${canary}`, { method: 'POST' })
    await post('/v1/rooms', '{', `${canary}x`)
    await fetch(`${stage.url}/v1/rooms/r/events?access_token=${canary}`)
    const shown = stage.lines.join('\n')
    expect(stage.lines.length).toBeGreaterThan(0)
    expect(shown).not.toContain(canary.split('.')[1])
    expect(shown).not.toContain(canary.split('.')[2])
  })
})
