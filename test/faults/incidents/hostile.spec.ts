/**
 * Sockets that mean harm, against the product as one real process: each costs what its bound says, is shown out with its code, and a
 * neighbour who behaves is served all the while. Limits that take long by default are set low; nothing else is changed.
 */
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Deployment, startDeployment } from '../../harness/deployment.ts'
import { Caller } from '../../harness/http.ts'
import { WireSocket } from '../../harness/socket.ts'

const headerMs = 2_000
let deployment: Deployment
let url: string

beforeAll(async () => {
  deployment = await startDeployment('embedded', { env: { ROOMLOG_LIMIT_HEADER_MS: String(headerMs) } })
  url = deployment.urls[0]!
})
afterAll(() => deployment?.stop())

const residentKiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${deployment.service('roomlog').pid()}/status`, 'utf8'))![1])

/** Somebody who behaves: the longest that a ping took while `harm` was done. */
async function neighbourDuring(harm: () => Promise<void>): Promise<number> {
  const neighbour = await WireSocket.open(url, await deployment.tokens.user('neighbour'))
  let over = false
  const done = harm().finally(() => {
    over = true
  })
  let longest = 0
  while (!over) {
    const from = performance.now()
    await neighbour.ok({ op: 'ping' })
    longest = Math.max(longest, performance.now() - from)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await done
  await neighbour.close()
  return longest
}

const closeOf = (ws: WebSocket) => new Promise<number>((resolve) => ws.once('close', resolve))
const opened = (ws: WebSocket) => new Promise<void>((resolve, reject) => ws.once('open', resolve).once('error', reject))
const rawSocket = async () => {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, ['roomlog.v1'])
  await opened(ws)
  ws.on('error', () => {})
  return ws
}

test('unauthenticated sockets cost at most 64 KiB and five seconds each', async () => {
  const count = 200
  await (await rawSocket()).terminate()
  const before = residentKiB()
  let codes: number[] = []
  let grownKiB = 0
  const from = performance.now()
  const longest = await neighbourDuring(async () => {
    const sockets = await Promise.all(Array.from({ length: count }, rawSocket))
    const closes = sockets.map(closeOf)
    // A message that never ends, as much of it as is allowed.
    for (const ws of sockets) ws.send('x'.repeat(60_000), { fin: false })
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    grownKiB = residentKiB() - before
    codes = await Promise.all(closes)
  })
  expect(new Set(codes)).toEqual(new Set([4200]))
  expect(performance.now() - from).toBeLessThan(5_000 + 4_000)
  // Twice: half of what the process grows by is garbage that nobody has collected yet.
  expect(grownKiB / count).toBeLessThan(2 * 64)
  expect(longest).toBeLessThan(2_000)
})

test('more than 64 KiB before authentication is the end', async () => {
  const ws = await rawSocket()
  const closed = closeOf(ws)
  ws.send('x'.repeat(70_000), { fin: false })
  expect(await closed).toBe(4204)
})

test('a message of more than 64 fragments is refused', async () => {
  const ws = await rawSocket()
  const closed = closeOf(ws)
  ws.send(JSON.stringify({ id: 1, op: 'auth', token: await deployment.tokens.user('fragments') }))
  for (let i = 0; i < 100; i++) ws.send(' ', { fin: false })
  expect(await closed).toBe(4203)
})

test('a frame above the limit is refused before it is read whole', async () => {
  const socket = await WireSocket.open(url, await deployment.tokens.user('large'))
  socket.send(`{"id":1,"op":"ping","x":"${'x'.repeat(1_100_000)}"}`)
  expect((await socket.untilClosed()).code).toBe(4204)
})

test('a flood is limited, then shown out, and the neighbour is served', async () => {
  let limited = 0
  let code = 0
  const longest = await neighbourDuring(async () => {
    const flood = await WireSocket.open(url, await deployment.tokens.user('flood'))
    for (let i = 0; i < 5_000; i++) flood.send({ id: i + 10, op: 'ping' })
    code = (await flood.untilClosed()).code
    limited = flood.frames.filter((frame) => frame.error?.code === 'limited').length
  })
  expect(limited).toBeGreaterThan(0)
  expect(code).toBe(4202)
  expect(longest).toBeLessThan(2_000)
})

test('frames that make no sense end their sender and nobody else', async () => {
  const longest = await neighbourDuring(async () => {
    const socket = await WireSocket.open(url, await deployment.tokens.user('nonsense'))
    for (let i = 0; i < 100; i++) socket.send('}{')
    expect((await socket.untilClosed()).code).toBe(4203)
  })
  expect(longest).toBeLessThan(2_000)
})

test('slowloris: headers that come a byte at a time are not waited for', async () => {
  const count = 100
  let closed = 0
  const longest = await neighbourDuring(async () => {
    const { port } = new URL(url)
    const sockets = Array.from({ length: count }, () => dripping(Number(port), () => void closed++))
    const deadline = performance.now() + headerMs + 6_000
    while (closed < count && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
    for (const socket of sockets) socket.destroy()
  })
  expect(closed).toBe(count)
  expect(longest).toBeLessThan(2_000)
  expect((await new Caller(url, await deployment.tokens.user('neighbour')).get('/v1/rooms')).status).toBe(200)
})

function dripping(port: number, onClose: () => void): Socket {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /v1/ws HTTP/1.1\r\nHost: edge\r\n')
  const drip = setInterval(() => socket.write('x'), 200)
  // Whatever the server says before it closes is read, or the end would not be seen.
  socket.resume()
  socket.once('close', () => {
    clearInterval(drip)
    onClose()
  })
  return socket
}
