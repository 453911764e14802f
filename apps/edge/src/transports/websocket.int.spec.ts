/** Real: HTTP server, `ws` clients, sockets, memory log. Not real: persistence (read from the log), tokens. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { Flusher } from '../outbox.js'
import { systemClock } from '../ports.js'
import { Stage, until } from '../testing/stage.js'
import { WebsocketTransport } from './websocket.js'

let stage: Stage
let server: Server
let transport: WebsocketTransport
let url: string
const sockets: Wire[] = []

beforeEach(async () => {
  stage = await Stage.open({ limits: { frameBytes: 200_000, sendBufferBytes: 200_000, authenticationMs: 1_000 } })
  await stage.writer.create('r')
  const edge = stage.edge()
  Object.assign(edge, { clock: systemClock })
  server = createServer()
  transport = new WebsocketTransport({
    edge,
    flusher: new Flusher(),
    originAllowed: (origin) => origin === undefined || origin === 'https://app.example',
    trustProxy: false,
    echo: true,
    pingMs: 500,
    slowMs: 60_000,
  })
  transport.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.ws.terminate()
  await transport.drain(10)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await stage.close()
})

class Wire {
  readonly frames: any[] = []
  closed: number | undefined
  status: number | undefined

  constructor(readonly ws: WebSocket) {
    sockets.push(this)
    ws.on('message', (data) => this.frames.push(JSON.parse(data.toString())))
    ws.on('close', (code) => {
      this.closed = code
    })
    ws.on('unexpected-response', (_request, response) => {
      this.status = response.statusCode
    })
    ws.on('error', () => {})
  }

  static async open(
    options: { path?: string; protocols?: string[]; headers?: Record<string, string>; token?: string; autoPong?: boolean } = {},
  ): Promise<Wire> {
    const { path = '/v1/ws', protocols = ['roomlog.v1'], headers, token, autoPong = true } = options
    const wire = new Wire(new WebSocket(`${url}${path}`, protocols, { headers, autoPong }))
    await until(() => wire.ws.readyState === WebSocket.OPEN || wire.closed !== undefined || wire.status !== undefined)
    if (token !== undefined) await wire.request({ op: 'auth', token })
    return wire
  }

  send(frame: object): void {
    this.ws.send(JSON.stringify(frame))
  }

  async request(frame: object): Promise<any> {
    const id = Math.random()
    this.send({ id, ...frame })
    return this.next((answer) => answer.id === id)
  }

  async next(accept: (frame: any) => boolean): Promise<any> {
    let found: any
    await until(
      () => (found = this.frames.find(accept)) !== undefined || this.closed !== undefined,
      () => `no such frame: ${JSON.stringify(this.frames.slice(-3))}`,
      8_000,
    )
    if (found === undefined) throw new Error(`closed ${this.closed}`)
    return found
  }

  async untilClosed(): Promise<number> {
    await until(
      () => this.closed !== undefined,
      () => 'still open',
      8_000,
    )
    return this.closed!
  }
}

describe('the upgrade', () => {
  test.each([
    ['a header', { headers: { authorization: 'Bearer anna' } }],
    ['the URL', { path: '/v1/ws?access_token=anna' }],
    ['a subprotocol', { protocols: ['roomlog.v1', 'bearer.anna'] }],
    ['the first message', { token: 'anna' }],
  ])('takes a token from %s', async (_where, options) => {
    const wire = await Wire.open(options)
    expect(wire.ws.protocol).toBe('roomlog.v1')
    expect((await wire.request({ op: 'subscribe', room: 'r' })).ok).toMatchObject({ room: 'r', seq: 4 })
  })

  test('judges the origin before it', async () => {
    for (const origin of ['http://evil.example', 'null', 'https://app.example.evil.example', 'https://evil-app.example']) {
      expect([origin, (await Wire.open({ headers: { origin } })).status]).toEqual([origin, 403])
    }
    expect((await Wire.open({ headers: { origin: 'https://app.example' } })).ws.readyState).toBe(WebSocket.OPEN)
  })

  test('exists at one path, and refuses while draining', async () => {
    expect((await Wire.open({ path: '/v1/other' })).status).toBe(404)
    transport.stopAccepting()
    expect((await Wire.open()).status).toBe(503)
  })

  test('offers no compression', async () => {
    expect((await Wire.open()).ws.extensions).toBe('')
  })
})

describe('delivery', () => {
  test('events arrive with the record’s bytes, many of one tick in order', async () => {
    const wire = await Wire.open({ token: 'anna' })
    await wire.request({ op: 'subscribe', room: 'r' })
    for (const size of [10, 200, 5_000, 70_000]) await stage.writer.say('r', 'x'.repeat(size))
    await wire.next((frame) => frame.event?.seq === 8)
    expect(wire.frames.filter((frame) => frame.event).map(({ event }) => [event.seq, event.content.body.length])).toEqual([
      [5, 10],
      [6, 200],
      [7, 5_000],
      [8, 70_000],
    ])
  })

  test('a slow client does not delay the others, and gets everything afterwards', async () => {
    const [slow, quick] = [await Wire.open({ token: 'anna' }), await Wire.open({ token: 'anna/d2' })]
    for (const wire of [slow, quick]) await wire.request({ op: 'subscribe', room: 'r' })
    slow.ws.pause()
    const count = 400
    for (let i = 0; i < count; i++) await stage.writer.say('r', 'x'.repeat(20_000))
    await quick.next((frame) => frame.event?.seq === 4 + count)
    slow.ws.resume()
    await slow.next((frame) => frame.event?.seq === 4 + count)
    const seqs = slow.frames.filter((frame) => frame.event).map(({ event }) => event.seq)
    expect(seqs).toEqual(Array.from({ length: count }, (_, i) => i + 5))
  })

  test('who stays slow for too long is told and ended with 4001', async () => {
    Object.assign(transport, { options: { ...transport['options'], slowMs: 300 } })
    const slow = await Wire.open({ token: 'anna' })
    await slow.request({ op: 'subscribe', room: 'r' })
    slow.ws.pause()
    for (let i = 0; i < 500; i++) await stage.writer.say('r', 'x'.repeat(20_000))
    await new Promise((resolve) => setTimeout(resolve, 400))
    slow.ws.resume()
    expect(await slow.untilClosed()).toBe(4001)
    expect(slow.frames.at(-1)).toMatchObject({ bye: { reason: 'slow' } })
  })

  test('more than 100,000 messages on one connection (a long-lived busy socket)', async () => {
    const wire = await Wire.open({ path: '/echo' })
    let received = 0
    wire.ws.removeAllListeners('message')
    wire.ws.on('message', () => {
      received++
    })
    const count = 100_500
    for (let i = 0; i < count; i++) {
      wire.ws.send('x')
      if (i % 1_000 === 0) await until(() => received >= i - 5_000, undefined, 20_000)
    }
    await until(
      () => received === count,
      () => `${received}`,
      20_000,
    )
  })
})

describe('bounds', () => {
  test('a frame beyond the limit ends the connection with 4204', async () => {
    const wire = await Wire.open({ token: 'anna' })
    wire.ws.send('x'.repeat(200_001))
    expect(await wire.untilClosed()).toBe(4204)
  })

  test('an unauthenticated socket costs at most 64 KiB, also of one message that never ends', async () => {
    const wire = await Wire.open()
    for (let i = 0; i < 40; i++) wire.ws.send('x'.repeat(2_000), { fin: false })
    expect(await wire.untilClosed()).toBe(4204)
  })

  test('and five seconds', async () => {
    expect(await (await Wire.open()).untilClosed()).toBe(4200)
  })

  test('more than 64 fragments, bytes that are no UTF-8 and binary frames are protocol errors', async () => {
    const fragments = await Wire.open({ token: 'anna' })
    for (let i = 0; i < 100; i++) fragments.ws.send('x', { fin: false })
    expect(await fragments.untilClosed()).toBe(4203)
    const bytes = await Wire.open({ token: 'anna' })
    bytes.ws.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false })
    expect(await bytes.untilClosed()).toBe(4203)
    const binary = await Wire.open({ token: 'anna' })
    binary.ws.send(Buffer.from('{}'), { binary: true })
    expect((await binary.next((frame) => frame.error)).error.code).toBe('invalid')
  })

  test('who does not answer pings is ended with 4100', async () => {
    const wire = await Wire.open({ token: 'anna', autoPong: false })
    expect([1006, 4100]).toContain(await wire.untilClosed())
  })

  test('a flood of pings is answered boundedly', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const wire = await Wire.open({ token: 'anna' })
    socket.destroy()
    for (let i = 0; i < 5_000; i++) wire.ws.ping()
    await until(() => wire.closed !== undefined || wire.ws.bufferedAmount === 0)
  })
})

test('a drain tells everybody and closes with 4000', async () => {
  const wires = [await Wire.open({ token: 'anna' }), await Wire.open({ token: 'ben' })]
  await transport.drain(500)
  for (const wire of wires) {
    expect(await wire.untilClosed()).toBe(4000)
    expect(wire.frames.at(-1).bye).toMatchObject({ reason: 'drain', reconnectInMs: expect.any(Number) })
  }
})
