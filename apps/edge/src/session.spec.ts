import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Stage, until } from './testing/stage.js'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
  await stage.writer.create('r')
})
afterEach(() => stage.close())

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('authentication', () => {
  test('a token comes with the connection or in the first message', async () => {
    const withUrl = stage.socket(undefined, { token: 'anna' })
    expect((await withUrl.request({ op: 'ping' })).ok).toEqual({})
    const first = stage.socket()
    expect((await first.request({ op: 'auth', token: 'anna/d7' })).ok).toMatchObject({ user: 'anna', device: 'd7' })
  })

  test('nothing is done before it, and frames that come while it is checked wait for it', async () => {
    const early = stage.socket()
    expect((await early.request({ op: 'subscribe', room: 'r' })).error.code).toBe('unauthenticated')
    const client = stage.socket()
    client.send([
      { id: 1, op: 'auth', token: 'anna' },
      { id: 2, op: 'subscribe', room: 'r' },
    ])
    client.send({ id: 3, op: 'do', room: 'r', type: 'msg.text', content: {} })
    expect((await client.next((frame) => frame.id === 2)).ok.seq).toBe(4)
    expect((await client.next((frame) => frame.id === 3)).ok).toBeDefined()
    expect(client.frames[0].id).toBe(1)
  })

  test('a bad token ends the connection with 4200', async () => {
    const client = stage.socket()
    expect((await client.request({ op: 'auth', token: 'bad' })).error.code).toBe('unauthenticated')
    expect(client.socket.closed?.code).toBe(4200)
  })

  test('who does not authenticate in five seconds is shown out', async () => {
    const client = stage.socket()
    stage.clock.advance(4_999)
    expect(client.socket.closed).toBeUndefined()
    stage.clock.advance(1)
    expect(client.socket.closed?.code).toBe(4200)
  })

  test('too much before authentication ends the connection with 4204', async () => {
    const client = stage.socket()
    client.send({ op: 'auth', token: 'anna' })
    for (let i = 0; i < 70; i++) client.send({ op: 'ping', x: 'x'.repeat(1_000) })
    expect(client.socket.closed?.code).toBe(4204)
  })

  test('access ends when the token expires, unless it was refreshed', async () => {
    const expires = stage.clock.now() + 10_000
    const [expiring, refreshed] = [await stage.client(`anna/d1//${expires}`), await stage.client(`ben/d1//${expires}`)]
    stage.clock.advance(9_000)
    await refreshed.request({ op: 'auth', token: 'ben/d1' })
    stage.clock.advance(1_000)
    expect(expiring.socket.closed?.code).toBe(4201)
    expect(expiring.frames.at(-1)).toMatchObject({ bye: { reason: 'expired' } })
    expect(refreshed.socket.closed).toBeUndefined()
  })

  test('a refresh keeps the user and the device', async () => {
    const client = await stage.client('anna/d1')
    expect((await client.request({ op: 'auth', token: 'ben/d1' })).error.code).toBe('forbidden')
    expect((await client.request({ op: 'auth', token: 'anna/d2' })).error.code).toBe('forbidden')
    expect((await client.request({ op: 'ping' })).ok).toEqual({})
  })
})

describe('operations', () => {
  test('commands of one connection reach the door in the order received, content as it was sent', async () => {
    const client = await stage.client('anna')
    for (let i = 0; i < 20; i++)
      client.send(`{"id":${100 + i},"op":"do","room":"r","type":"msg.text","content":{"n": ${i}, "big":12345678901234567890}}`)
    await client.next((frame) => frame.id === 119)
    expect(stage.submitted.map(({ input }) => input.content)).toEqual(
      Array.from({ length: 20 }, (_, i) => `{"n": ${i}, "big":12345678901234567890}`),
    )
    expect(stage.submitted[0]!.input).toEqual({ room: 'r', type: 'msg.text', content: expect.any(String) })
  })

  test('a read is passed on and its body passed back', async () => {
    const client = await stage.client('anna')
    expect((await client.request({ op: 'history', room: 'r', limit: 5 })).ok).toEqual({ op: 'history', room: 'r', limit: 5 })
  })

  test('unsubscribe ends delivery; the same room again takes the place of the first', async () => {
    const client = await stage.client('anna')
    await client.request({ op: 'subscribe', room: 'r' })
    expect((await client.request({ op: 'unsubscribe', room: 'r' })).ok).toEqual({ room: 'r' })
    expect((await client.request({ op: 'unsubscribe', room: 'r' })).error.code).toBe('not_found')
    await stage.writer.say('r', 'missed')
    await client.request({ op: 'subscribe', room: 'r' })
    await client.request({ op: 'subscribe', room: 'r', from: 5 })
    await stage.writer.say('r', 'seen')
    await client.next((frame) => frame.event?.seq === 6)
    expect(client.seqs('r')).toEqual([5, 6])
  })

  test('a feed ends a linger after its last subscriber has gone', async () => {
    const edge = stage.edge()
    const client = await stage.client('anna', edge)
    await client.request({ op: 'subscribe', room: 'r' })
    expect(edge.rooms.feedCount).toBe(2)
    client.drop()
    stage.clock.advance(29_000)
    await settled()
    expect(edge.rooms.feedCount).toBe(2)
    stage.clock.advance(1_000)
    await settled()
    stage.clock.advance(30_000)
    await settled()
    expect(edge.rooms.feedCount).toBe(0)
  })
})

describe('limits', () => {
  test('messages: `limited` with the time to wait, then 4202', async () => {
    const client = await stage.client('anna')
    for (let i = 0; i < 500; i++) client.send({ id: 1_000 + i, op: 'ping' })
    const limited = client.frames.find((frame) => frame.error)
    expect(limited.error).toMatchObject({ code: 'limited', retriable: true, retryAfterMs: expect.any(Number) })
    expect(client.socket.closed?.code).toBe(4202)
  })

  test('subscriptions of one connection', async () => {
    stage = await Stage.open({ limits: { connectionSubscriptions: 2 } })
    for (const room of ['a', 'b', 'c']) await stage.writer.create(room)
    const client = await stage.client('anna')
    expect((await client.request({ op: 'subscribe', room: 'a' })).ok).toBeDefined()
    expect((await client.request({ op: 'subscribe', room: 'b' })).ok).toBeDefined()
    expect((await client.request({ op: 'subscribe', room: 'c' })).error.code).toBe('limited')
  })

  test('connections of one user', async () => {
    stage = await Stage.open({ limits: { userConnections: 2 } })
    const clients = [await stage.client('anna'), await stage.client('anna')]
    const third = stage.socket()
    expect((await third.request({ op: 'auth', token: 'anna' })).error.code).toBe('limited')
    expect(third.socket.closed?.code).toBe(4202)
    clients[0]!.drop()
    expect((await stage.socket().request({ op: 'auth', token: 'anna' })).ok).toBeDefined()
  })
})

describe('bad frames', () => {
  test.each([
    ['{"op":', 'invalid'],
    ['"text"', 'invalid'],
    ['{"op":"ping","op":"ping"}', 'invalid'],
    ['{"op":"ping","__proto__":{}}', 'invalid'],
    ['{"id":1,"op":"subscribe"}', 'invalid'],
    ['{"id":1,"op":"subscribe","room":"a\\u0007"}', 'invalid'],
    ['{"id":1,"op":"subscribe","room":"r","position":"nonsense"}', 'invalid'],
    ['{"id":1,"op":"subscribe","room":"r","from":-1}', 'invalid'],
    ['{"id":1,"op":"subscribe","room":"r","from":1,"last":1}', 'invalid'],
    ['{"id":1,"op":"subscribe","room":"r","filter":{"types":"x"}}', 'invalid'],
    ['{"id":1,"op":"auth","token":5}', 'invalid'],
  ])('%s is answered with %s', async (frame, code) => {
    const client = await stage.client('anna')
    client.send(frame)
    await until(() => client.frames.some(({ error }) => error?.code === code))
    expect((await client.request({ op: 'ping' })).ok).toEqual({})
  })

  test('who goes on sending what is no JSON is shown out with 4203', async () => {
    const client = await stage.client('anna')
    for (let i = 0; i < 50; i++) client.send('{')
    expect(client.socket.closed?.code).toBe(4203)
  })
})
