import { expect, test } from 'vitest'
import { connect } from './client.js'
import { FakeClock, settled } from './fake-clock.js'
import { FakeServer } from './fake-server.js'
import type { ConnectOptions } from './options.js'

function world(options: Partial<ConnectOptions> = {}) {
  const clock = new FakeClock()
  const server = new FakeServer()
  const states: { state: string; reason: string; closeCode?: number; retryInMs?: number }[] = []
  const woke: number[] = []
  const client = connect({ url: 'http://edge', clock, webSocket: server.webSocket, random: () => 0.5, ...options })
  client.on('error', () => {})
  client.on('state', ({ previous, ...change }) => states.push(change))
  client.on('woke', ({ sleptMs }) => woke.push(sleptMs))
  return { clock, server, client, states, woke }
}

/** A JWT that nobody verifies here. */
const jwt = (expiresAtMs: number) => `h.${btoa(JSON.stringify({ exp: expiresAtMs / 1_000 })).replaceAll('=', '')}.s`

test('comes back at once after 40xx, after a delay after 41xx and a broken network, never after 42xx', async () => {
  for (const [code, retryInMs] of [
    [4000, 0],
    [4001, 0],
    [4100, 125],
    [1006, 125],
    [4203, undefined],
  ] as const) {
    const { client, server, states, clock } = world()
    await client.open()
    server.socket.drop(code)
    expect(states.at(-1)).toMatchObject({
      state: retryInMs === undefined ? 'closed' : 'waiting',
      closeCode: code,
      ...(retryInMs === undefined ? {} : { retryInMs }),
    })
    await clock.advance(60_000)
    expect(client.state).toBe(retryInMs === undefined ? 'closed' : 'connected')
  }
})

test('obeys the delay that `bye` asks for, and returns its ticket', async () => {
  const { client, server, clock, states } = world({ token: 't' })
  await client.open()
  server.socket.push({ bye: { reason: 'drain', ticket: 'proof', reconnectInMs: 3_210 } })
  server.socket.drop(4000)
  expect(states.at(-1)).toMatchObject({ state: 'waiting', reason: 'drain', retryInMs: 3_210 })
  await clock.advance(3_209)
  expect(server.sockets).toHaveLength(1)
  await clock.advance(1)
  expect(server.sent('auth').at(-1)).toEqual({ id: 0, op: 'auth', token: 't', ticket: 'proof' })
})

test('attempts that fail are spaced by full jitter up to the bound, and a connection that held starts afresh', async () => {
  const { client, server, clock, states } = world({ random: () => 0.999_999, times: { backOffMin: 100, backOffMax: 1_000 } })
  await client.open()
  await clock.advance(20_000)
  server.unreachable = true
  server.socket.drop(1006)
  await clock.advance(6_000)
  const delays = states.filter(({ state }) => state === 'waiting').map(({ retryInMs }) => retryInMs)
  expect(delays.slice(0, 7)).toEqual([99, 199, 399, 799, 999, 999, 999])
  server.unreachable = false
  await clock.advance(15_000)
  expect(client.state).toBe('connected')
  server.socket.drop(1006)
  expect(states.at(-1)!.retryInMs).toBe(99)
})

test('a thousand clients of an edge that died do not return together', async () => {
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const clock = new FakeClock()
  const server = new FakeServer()
  const clients = Array.from({ length: 1_000 }, () =>
    connect({ url: 'http://edge', clock, random, webSocket: server.webSocket, times: { backOffMin: 1_000 } }),
  )
  await Promise.all(clients.map((client) => client.open()))
  for (const socket of [...server.sockets]) socket.drop(1006)
  const perSlice: number[] = []
  for (let i = 0; i < 10; i++) {
    const before = server.sockets.length
    await clock.advance(100)
    perSlice.push(server.sockets.length - before)
  }
  expect(perSlice.reduce((sum, count) => sum + count)).toBe(1_000)
  expect(Math.max(...perSlice)).toBeLessThan(150)
})

test('a machine that slept is noticed, says so, and gets everything', async () => {
  const { client, server, clock, woke, states } = world()
  const seqs: number[] = []
  client.room('r').subscribe({}, { event: ({ event }) => void seqs.push(event.seq) })
  await settled()
  server.append('r')
  await clock.advance(12_000)
  server.socket.freeze()
  clock.sleep(3_600_000)
  server.append('r')
  await clock.advance(5_000)
  expect(woke).toHaveLength(1)
  expect(woke[0]).toBeGreaterThan(3_590_000)
  await clock.advance(4_000)
  expect(states.some(({ reason, closeCode }) => reason === 'no_pong' && closeCode === 4100)).toBe(true)
  expect(client.state).toBe('connected')
  expect(seqs).toEqual([1, 2])
})

test('a machine that wakes while waiting tries at once', async () => {
  const { client, server, clock } = world({ random: () => 0.999, times: { backOffMin: 30_000 } })
  await client.open()
  server.socket.drop(1006)
  await clock.advance(1_000)
  clock.sleep(600_000)
  await clock.advance(5_000)
  expect(client.state).toBe('connected')
})

test('a connection that survived the sleep is kept', async () => {
  const { client, server, clock, woke } = world()
  await client.open()
  clock.sleep(600_000)
  await clock.advance(20_000)
  expect(woke).toHaveLength(1)
  expect(server.sockets).toHaveLength(1)
})

test('a silent connection is pinged, and dropped when no frame comes', async () => {
  const { client, server, clock, states } = world()
  await client.open()
  await clock.advance(60_000)
  expect(server.sent('ping').length).toBeGreaterThan(1)
  expect(server.sockets).toHaveLength(1)
  server.deaf.add('ping')
  await clock.advance(45_000)
  expect(states.some(({ reason }) => reason === 'no_pong')).toBe(true)
  expect(server.sockets.length).toBeGreaterThan(1)
})

test('a token is renewed on the open connection before it ends', async () => {
  const clock = new FakeClock()
  let given = 0
  const { client, server } = world({
    clock,
    token: async () => {
      given++
      return jwt(clock.now() + 300_000)
    },
  })
  await client.open()
  await clock.advance(239_000)
  expect(given).toBe(1)
  await clock.advance(2_000)
  expect(given).toBe(2)
  expect(server.sent('auth')).toHaveLength(2)
  expect(server.sockets).toHaveLength(1)
})

test('a refused token is renewed once where it can be, and otherwise the end', async () => {
  const refuse = (tokens: string[]) => (frame: { op: string; token?: string }) =>
    frame.op === 'auth' && tokens.includes(frame.token!)
      ? { error: { code: 'unauthenticated' as const, message: 'no', retriable: false } }
      : undefined
  const fresh = ['old', 'new']
  const renewable = world({ token: () => fresh.shift()! })
  renewable.server.intercept = refuse(['old'])
  const opened = renewable.client.open()
  await renewable.clock.advance(1_000)
  await opened
  expect(renewable.server.sent('auth').map(({ token }) => token)).toEqual(['old', 'new'])

  const fixed = world({ token: 'old' })
  fixed.server.intercept = refuse(['old'])
  await expect(fixed.client.open()).rejects.toMatchObject({ code: 'unavailable' })
  expect(fixed.states.at(-1)).toMatchObject({ state: 'closed', reason: 'unauthenticated', closeCode: 4200 })
})

test('a socket that never opens is given up after its time', async () => {
  const { client, server, clock, states } = world({
    webSocket: () => ({ bufferedAmount: 0, send() {}, close() {}, onopen: null, onmessage: null, onclose: null, onerror: null }),
  })
  void client.open().catch(() => {})
  await clock.advance(15_001)
  expect(states.some(({ state, reason }) => state === 'waiting' && reason === 'timeout')).toBe(true)
  expect(server.sockets).toHaveLength(0)
  client.close()
})

test('frames of one turn go out as arrays within the limits, and wait while the socket is full', async () => {
  const { client, server, clock } = world({ bounds: { frameItemsMax: 3, sendBufferMax: 10 } })
  await client.open()
  const sizes: number[] = []
  const send = server.socket.send.bind(server.socket)
  server.socket.send = (text) => {
    sizes.push([JSON.parse(text)].flat().length)
    send(text)
  }
  const reads = Array.from({ length: 7 }, () => client.read('summary', { room: 'r' }))
  await Promise.all(reads)
  expect(sizes).toEqual([3, 3, 1])
  server.socket.bufferedAmount = 11
  const late = client.read('summary', { room: 'r' })
  await settled()
  expect(sizes).toHaveLength(3)
  server.socket.bufferedAmount = 0
  await clock.advance(20)
  await late
})

test('asks for a ticket from time to time, and gives the newest back after a loss without a good-bye', async () => {
  const { client, server, clock } = world({ token: 't', times: { ticketAfter: 1_000, ticketEvery: 5_000 } })
  server.intercept = (frame) => (frame.op === 'ticket' ? { ok: { ticket: `proof ${server.sent('ticket').length}` } } : undefined)
  await client.open()
  await clock.advance(7_000)
  expect(server.sent('ticket')).toHaveLength(2)
  server.socket.drop(1006)
  await clock.advance(1_000)
  expect(server.sent('auth').at(-1)).toMatchObject({ ticket: 'proof 2' })
})

test('connects to the edge that follows its rooms, and to the base URL where there is none or it lets nobody in', async () => {
  const asked: string[] = []
  const answer = { edges: [{ url: 'http://edge-2/', rooms: ['a'] }] }
  const fetch = async (url: string) => {
    asked.push(url)
    return { ok: true, status: 200, text: async () => JSON.stringify(answer) }
  }
  const { client, server, clock } = world({ placement: ['a', 'b'], fetch })
  await client.open()
  expect(asked).toEqual(['http://edge/v1/where?rooms=a%2Cb'])
  expect(server.socket.url).toBe('ws://edge-2/v1/ws')
  server.unreachable = true
  server.socket.drop(1006)
  await clock.advance(400)
  server.unreachable = false
  await clock.advance(60_000)
  expect(server.socket.url).toBe('ws://edge/v1/ws')
  const failing = world({ placement: () => ['a'], fetch: () => Promise.reject(new Error('no')) })
  await failing.client.open()
  expect(failing.server.socket.url).toBe('ws://edge/v1/ws')
})

test('the presence that was set is set again after every reconnect', async () => {
  const { client, server, clock } = world({ token: 't' })
  await client.open()
  client.setPresence('away')
  client.room('r').typing(2_000)
  await settled()
  server.socket.drop(1006)
  await clock.advance(1_000)
  expect(server.sent('setPresence').map(({ presence }) => presence)).toEqual(['away', 'away'])
  expect(server.sent('typing')).toHaveLength(1)
})
