/**
 * What others' edges have gone through, each by its name, against the product as one real process (embedded log, real PostgreSQL).
 */
import { connect, type StateChange } from '@roomlog/client'
import { partitionOf } from '@roomlog/log'
import { startProxy } from '@roomlog/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Deployment, startDeployment } from '../../harness/deployment.ts'
import { Caller } from '../../harness/http.ts'
import { type Frame, WireSocket } from '../../harness/socket.ts'

let deployment: Deployment
let url: string
let service: Caller

beforeAll(async () => {
  deployment = await startDeployment('embedded')
  url = deployment.urls[0]!
  service = new Caller(url, await deployment.tokens.service('talker'))
})
afterAll(() => deployment?.stop())

const member = async (user: string) => WireSocket.open(url, await deployment.tokens.user(user))
const newRoom = async (): Promise<string> =>
  (await new Caller(url, await deployment.tokens.user('owner')).done('/v1/rooms', { access: 'public', history: 'world' })).room

async function until(reached: () => boolean, what: string, msMax = 15_000): Promise<void> {
  const deadline = performance.now() + msMax
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(`not in ${msMax} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const seqs = (frames: Frame[]) => frames.map(({ event }) => event.seq as number)

describe('poison subscriber (Supabase realtime#2093)', () => {
  test('a subscriber whose filter is made to take for ever delays nobody', async () => {
    const room = await newRoom()
    const [poison, other] = [await member('poison'), await member('other')]
    await poison.ok({ op: 'subscribe', room, filter: { types: [`${'*a'.repeat(60)}b`] } })
    await other.ok({ op: 'subscribe', room })
    const from = performance.now()
    await service.publish(room, 'first', { type: 'a'.repeat(200) })
    await service.publish(room, 'second')
    await other.next((frame) => frame.event?.content?.body === 'second')
    expect(performance.now() - from).toBeLessThan(3_000)
    await Promise.all([poison.close(), other.close()])
  })

  test('subscribers that make no sense are refused one by one, and the others hear everything', async () => {
    const room = await newRoom()
    const [poison, other] = [await member('poison'), await member('other')]
    await other.ok({ op: 'subscribe', room })
    const wishes = [
      { position: {} },
      { from: -1 },
      { last: 1e99 },
      { filter: { types: 'x' } },
      { position: 'x'.repeat(5_000) },
      { room: 7 },
    ]
    for (const wish of wishes) expect((await poison.request({ op: 'subscribe', room, ...wish })).error?.code).toBeDefined()
    await service.publish(room, 'heard')
    await other.next((frame) => frame.event?.content?.body === 'heard')
    expect((await poison.request({ op: 'ping' })).ok).toBeDefined()
    await Promise.all([poison.close(), other.close()])
  })
})

describe('long-lived busy socket (ws#2333)', () => {
  test('more than 100,000 messages on one connection are answered, and it still hears events', async () => {
    const room = await newRoom()
    const ws = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, ['roomlog.v1'])
    await new Promise((resolve) => ws.once('open', resolve))
    let answered = 0
    let heard = false
    ws.on('message', (data: Buffer) => {
      if (data.includes('"event"')) heard = true
      else answered++
    })
    ws.send(JSON.stringify({ id: 1, op: 'auth', token: await deployment.tokens.service('busy') }))
    ws.send(JSON.stringify({ id: 2, op: 'subscribe', room }))
    await until(() => answered >= 2, 'authenticated and subscribed')
    const before = answered
    const messages = 100_500
    for (let sent = 0; sent < messages; ) {
      for (const end = Math.min(sent + 2_000, messages); sent < end; sent++) ws.send('{"id":3,"op":"ping"}')
      await until(() => before + sent - answered < 4_000, `an answer to ${sent} messages`)
    }
    await until(() => answered >= before + messages, 'all are answered')
    await service.publish(room, 'still here')
    await until(() => heard, 'the event')
    ws.close()
  })
})

describe('sleep and wake (Supabase, Appwrite, Ably clients)', () => {
  test('a client that was suspended notices, says so, comes back and has everything, once', async () => {
    const room = await newRoom()
    const proxy = await startProxy({ port: Number(new URL(url).port) })
    let sleptMs = 0
    const clock = { now: () => Date.now() + sleptMs, setTimeout, clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout) }
    const client = connect({
      url: `http://127.0.0.1:${proxy.port}`,
      token: await deployment.tokens.user('sleeper', 'default', { expiresIn: 86_400 }),
      clock,
      times: { tickEvery: 100, pongAfterWakeWithin: 300, connectWithin: 1_000 },
    })
    const states: StateChange[] = []
    let woke = 0
    const heard: number[] = []
    client.on('state', (change) => states.push(change))
    client.on('woke', () => void woke++)
    client.on('error', () => {})
    await client.room(room).subscribe({}, { event: ({ event }) => heard.push(event.seq) }).ready
    const first = (await service.publish(room, 'before')).seq
    await until(() => heard.includes(first), 'the event before the sleep')
    proxy.stall()
    for (let i = 0; i < 20; i++) await service.publish(room, `while it slept ${i}`)
    states.length = 0
    sleptMs = 3_600_000
    await until(() => woke > 0 && states.some(({ state }) => state === 'waiting'), 'it notices and says so')
    proxy.cut()
    proxy.heal()
    await until(() => heard.includes(first + 20), 'everything it missed')
    expect(heard).toEqual(Array.from({ length: 21 }, (_, i) => first + i))
    client.close()
    await proxy.stop()
  })
})

describe('resume twice (socket.io#5419)', () => {
  test('the second resume does not repeat the first', async () => {
    const room = await newRoom()
    const start = await member('twice')
    const { position } = await start.ok({ op: 'subscribe', room })
    await start.close()
    for (let i = 0; i < 5; i++) await service.publish(room, `first ${i}`)
    const once = await member('twice')
    const { seq } = await once.ok({ op: 'subscribe', room, position })
    await once.next((frame) => frame.live !== undefined)
    expect(seqs(once.events(room))).toEqual([seq - 4, seq - 3, seq - 2, seq - 1, seq])
    const last = once.events(room).at(-1)!.position
    once.ws.terminate()
    for (let i = 0; i < 2; i++) await service.publish(room, `second ${i}`)
    const twice = await member('twice')
    await twice.ok({ op: 'subscribe', room, position: last })
    await twice.next((frame) => frame.live !== undefined)
    expect(seqs(twice.events(room))).toEqual([seq + 1, seq + 2])
    await twice.close()
  })
})

describe('unknown position (mercure#704)', () => {
  test.each([
    ['of another epoch', (position: string) => position.replace(/^[^.]+/, (epoch) => [...epoch].reverse().join(''))],
    ['beyond the end', (position: string) => position.replace(/^([^.]+\.\d+)\.\d+/, '$1.999999999')],
    ['with another check', (position: string) => position.replace(/[^.]+$/, 'AAAAAAAA')],
  ])('a position %s is answered with reset at once, and the tail goes on', async (_, forge) => {
    const room = await newRoom()
    const { position } = await service.publish(room, 'known')
    const socket = await member('lost')
    const from = performance.now()
    await socket.ok({ op: 'subscribe', room, position: forge(position) })
    await socket.next((frame) => frame.reset?.room === room)
    expect(performance.now() - from).toBeLessThan(3_000)
    await service.publish(room, 'afterwards')
    await socket.next((frame) => frame.event?.content?.body === 'afterwards')
    await socket.close()
  })
})

describe('hot partition (Discord 2018)', () => {
  test('one room at full load does not hold up the readers of another partition', async () => {
    const hot = await newRoom()
    let quiet = await newRoom()
    while (partitionOf(quiet, deployment.partitions) === partitionOf(hot, deployment.partitions)) quiet = await newRoom()
    const [crowd, reader] = [await member('crowd'), await member('reader')]
    await crowd.ok({ op: 'subscribe', room: hot })
    await reader.ok({ op: 'subscribe', room: quiet })
    let loading = true
    let loaded = 0
    const load = Array.from({ length: 4 }, async () => {
      const items = Array.from({ length: 100 }, () => ({ type: 'msg.text', content: { body: 'x'.repeat(500) } }))
      while (loading) if ((await service.post(`/v1/rooms/${hot}/events`, items)).status < 300) loaded += items.length
    })
    const delays: number[] = []
    try {
      for (let i = 0; i < 20; i++) {
        await service.publish(quiet, `quiet ${i}`)
        const acknowledged = performance.now()
        await reader.next((frame) => frame.event?.content?.body === `quiet ${i}`)
        delays.push(performance.now() - acknowledged)
      }
    } finally {
      loading = false
      await Promise.all(load)
    }
    expect(loaded).toBeGreaterThan(500)
    expect(delays.sort((a, b) => a - b)[10]).toBeLessThan(500)
    expect(reader.closed).toBeUndefined()
    await Promise.all([crowd.close(), reader.close()])
  })
})
