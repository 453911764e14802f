/** Real: HTTP server, `ws` clients with permessage-deflate, sockets, memory log. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { Flusher } from '../outbox.js'
import { systemClock } from '../ports.js'
import { Stage, until } from '../testing/stage.js'
import { WebsocketTransport } from './websocket.js'

let stage: Stage
let server: Server
let transport: WebsocketTransport
let url: string
const clients: WebSocket[] = []

beforeEach(async () => {
  stage = await Stage.open({ limits: { frameBytes: 300_000 } })
  await stage.writer.create('r')
  const edge = stage.edge()
  Object.assign(edge, { clock: systemClock })
  server = createServer()
  transport = new WebsocketTransport({
    edge,
    flusher: new Flusher(),
    originAllowed: () => true,
    trustProxy: false,
    echo: false,
    compression: true,
    pingMs: 60_000,
    slowMs: 60_000,
  })
  transport.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/ws`
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  await transport.drain(10)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await stage.close()
})

async function connect(perMessageDeflate: WebSocket.PerMessageDeflateOptions | boolean, token?: string) {
  const ws = new WebSocket(url, ['roomlog.v1'], { perMessageDeflate })
  clients.push(ws)
  const texts: string[] = []
  const state = { ws, texts, closed: 0, read: () => (ws as unknown as { _socket: Socket })._socket.bytesRead }
  ws.on('message', (data) => texts.push(data.toString()))
  ws.on('close', (code) => {
    state.closed = code
  })
  ws.on('error', () => {})
  await until(() => ws.readyState === WebSocket.OPEN)
  if (token) {
    ws.send(JSON.stringify({ id: 1, op: 'auth', token }))
    ws.send(JSON.stringify({ id: 2, op: 'subscribe', room: 'r' }))
    await until(() => texts.some((text) => text.includes('"live"')))
  }
  return state
}

test('who asks for compression gets the same events in fewer bytes, beside those who do not', async () => {
  const [small, plain] = [await connect(true, 'anna'), await connect(false, 'anna/d2')]
  expect([small.ws.extensions, plain.ws.extensions]).toEqual(['permessage-deflate', ''])
  const before = [small.read(), plain.read()]
  const body = 'the same words again and again, '.repeat(200)
  for (let i = 0; i < 3; i++) await stage.writer.say('r', body)
  await stage.writer.say('r', 'short')
  await until(() => [small, plain].every(({ texts }) => texts.at(-1)!.includes('"short"')))
  const events = ({ texts }: { texts: string[] }) => texts.filter((text) => text.startsWith('{"event"'))
  expect(events(small)).toEqual(events(plain))
  expect(small.read() - before[0]!).toBeLessThan((plain.read() - before[1]!) / 10)
})

test('a client that asks for a smaller window is served without compression', async () => {
  const client = await connect({ serverMaxWindowBits: 9 }, 'anna')
  expect(client.ws.extensions).toBe('')
})

test('a bomb ends its connection at the bound: lower before authentication', async () => {
  const bomb = (bytes: number) => JSON.stringify({ id: 3, op: 'ping', padding: 'x'.repeat(bytes) })
  const [stranger, anna, other] = [await connect({ threshold: 0 }), await connect({ threshold: 0 }, 'anna'), await connect(true, 'anna/d2')]
  stranger.ws.send(bomb(100_000))
  anna.ws.send(bomb(200_000))
  await until(() => stranger.closed === 4204)
  await until(() => anna.texts.some((text) => text.includes('"id":3')))
  anna.ws.send(bomb(50_000_000))
  await until(() => anna.closed === 4204)
  await stage.writer.say('r', 'still here')
  await until(() => other.texts.some((text) => text.includes('still here')))
})
