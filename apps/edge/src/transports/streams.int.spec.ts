/** Real: HTTP server with the runtime's rules for origins, sockets, memory log. Not real: persistence (read from the log), tokens. */
import { Health, httpServer, loadConfig, Metrics } from '@roomlog/runtime'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../ports.js'
import { Stage, until } from '../testing/stage.js'
import { LongPoll } from './longpoll.js'
import { EventStreams } from './sse.js'

let stage: Stage
let server: FastifyInstance
let url: string
let streams: EventStreams
const aborts: AbortController[] = []

beforeEach(async () => {
  stage = await Stage.open({ limits: { userConnections: 3 } })
  await stage.writer.create('r')
  await joined('r')
  const edge = stage.edge()
  Object.assign(edge, { clock: systemClock })
  const config = loadConfig(
    { ROOMLOG_AUTH_SECRET: 'x'.repeat(32), ROOMLOG_ORIGINS: 'https://app.example', ROOMLOG_LOG_URL: 'memory:' },
    { client: true },
  )
  server = httpServer({ config, health: new Health(), metrics: new Metrics(), isAdmin: () => false, ownUrls: () => [] })
  const options = { edge, trustProxy: false, pingMs: 200, slowMs: 60_000 }
  new LongPoll(options).attach(server)
  streams = new EventStreams(options)
  streams.attach(server)
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(async () => {
  for (const abort of aborts.splice(0)) abort.abort()
  await server.close()
  await stage.close()
})

const joined = (room: string) =>
  stage.writer.append('@anna', { type: 'room.joined', content: { room, partition: 0, offset: 0, seq: 2, position: '' } })

async function poll(query: string, token = 'anna', headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/v1/sync?${query}`, { headers: { authorization: `Bearer ${token}`, ...headers } })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
}
const bodies = (answer: { body: any }) => answer.body.events.map(({ event }: any) => event.content.body)

interface Streamed {
  status: number
  headers: Headers
  events: { id: string; data: any }[]
  lastId(): string
  text(): string
}

async function stream(options: { query?: string; headers?: Record<string, string> } = {}): Promise<Streamed> {
  const abort = new AbortController()
  aborts.push(abort)
  const headers = { authorization: 'Bearer anna', ...options.headers }
  const answer = await fetch(`${url}/v1/stream?${options.query ?? ''}`, { headers, signal: abort.signal })
  let text = ''
  let rest = ''
  let id = ''
  const events: Streamed['events'] = []
  const read = async () => {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const lines = block.split('\n')
        id = lines.find((line) => line.startsWith('id: '))?.slice(4) ?? id
        const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
        if (data.length > 0) events.push({ id, data: JSON.parse(data.join('\n')) })
      }
    }
  }
  void read().catch(() => {})
  return { status: answer.status, headers: answer.headers, events, lastId: () => id, text: () => text }
}

describe('long-poll', () => {
  test('gives the position first, then what came since, each event once', async () => {
    const first = await poll('')
    expect(first.status).toBe(200)
    expect(first.body.events).toEqual([])
    await stage.writer.say('r', 'one')
    await stage.writer.say('r', 'two')
    const second = await poll(`position=${first.body.position}`)
    expect(bodies(second)).toEqual(['one', 'two'])
    const waiting = poll(`position=${second.body.position}&timeoutMs=5000`)
    await until(() => stage.edges[0]!.rooms.feedCount > 0)
    await stage.writer.say('r', 'three')
    expect(bodies(await waiting)).toEqual(['three'])
  })

  test('waits no longer than it is asked to', async () => {
    const { position } = (await poll('')).body
    const before = Date.now()
    const quiet = await poll(`position=${position}&timeoutMs=300`)
    expect([quiet.body.events, quiet.body.live]).toEqual([[], true])
    expect(Date.now() - before).toBeLessThan(2_000)
    expect((await poll(`position=${quiet.body.position}&timeoutMs=0`)).status).toBe(200)
  })

  test('gives much in pages that meet, also across a room that is joined in between', async () => {
    let { position } = (await poll('')).body
    await stage.writer.create('s')
    await joined('s')
    for (let i = 0; i < 260; i++) await stage.writer.say(i % 2 ? 'r' : 's', `m${i}`)
    const seen: string[] = []
    for (let page = 0; page < 12 && seen.length < 260; page++) {
      const answer = await poll(`position=${position}&timeoutMs=500&types=msg.*`)
      expect(answer.body.events.length).toBeLessThanOrEqual(101)
      seen.push(...bodies(answer))
      position = answer.body.position
    }
    expect(seen.filter((body) => /^m\d+$/.test(body)).sort()).toEqual(Array.from({ length: 260 }, (_, i) => `m${i}`).sort())
  })

  test('answers an unknown position with a reset and where the tail is', async () => {
    for (const position of ['nonsense', 's1.AAAA', 'abcdefgh.0.99.9.abcdefgh']) {
      const answer = await poll(`position=${position}&timeoutMs=5000`)
      expect(answer.body).toMatchObject({ events: [], reset: { reason: 'unknown_position' } })
      expect((await poll(`position=${answer.body.position}&timeoutMs=0`)).status).toBe(200)
    }
  })

  test('refuses without a token, with a bad one, with a filter that makes no sense, and beyond the limit of connections', async () => {
    expect((await fetch(`${url}/v1/sync`)).status).toBe(401)
    expect((await poll('', 'bad')).status).toBe(401)
    expect((await poll('filters=1')).status).toBe(422)
    const { position } = (await poll('')).body
    const held = Array.from({ length: 3 }, () => poll(`position=${position}&timeoutMs=1000`))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await poll(`position=${position}`)).status).toBe(429)
    await Promise.all(held)
    expect((await poll('')).status).toBe(200)
  })
})

describe('server-sent events', () => {
  test('go on where Last-Event-ID says, with nothing lost', async () => {
    const first = await stream()
    expect(first.headers.get('content-type')).toContain('text/event-stream')
    await until(() => first.events.some(({ data }) => data.live))
    await stage.writer.say('r', 'one')
    await until(() => first.events.some(({ data }) => data.event?.content.body === 'one'))
    const id = first.lastId()
    expect(id).not.toBe('')
    aborts.pop()!.abort()
    await until(() => streams.size === 0)
    await stage.writer.say('r', 'two')
    const second = await stream({ query: 'position=nonsense', headers: { 'last-event-id': id } })
    await until(() => second.events.some(({ data }) => data.event?.content.body === 'two'))
    expect(second.events.filter(({ data }) => data.event).map(({ data }) => data.event.content.body)).toEqual(['two'])
  })

  test('an unknown Last-Event-ID is a reset, and the stream goes on', async () => {
    const open = await stream({ headers: { 'last-event-id': 'gibberish' } })
    await until(() => open.events.some(({ data }) => data.reset?.reason === 'unknown_position'))
    await stage.writer.say('r', 'after')
    await until(() => open.events.some(({ data }) => data.event?.content.body === 'after'))
  })

  test('no content begins a field of its own, whatever line ends it has', async () => {
    const open = await stream()
    await until(() => open.events.some(({ data }) => data.live))
    await stage.writer.say('r', 'x\r\n\r\nevent: forged\ndata: {"forged":true}\n\nid: forged')
    const room = 'n\u2028l'
    await stage.writer.create(room)
    await joined(room)
    await until(() => open.events.some(({ data }) => data.event?.room === room))
    expect(open.text()).not.toMatch(/^(event|id): forged/m)
    expect(open.events.some(({ data }) => data.forged)).toBe(false)
  })

  test('the origin is judged, and an allowed page is told so', async () => {
    expect((await stream({ headers: { origin: 'https://evil.example' } })).status).toBe(403)
    expect((await stream({ headers: { origin: 'null' } })).status).toBe(403)
    const allowed = await stream({ headers: { origin: 'https://app.example' } })
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example'])
  })

  test('ends with a bye when the edge goes away or the device is signed out, and is pinged meanwhile', async () => {
    const [open, other] = [await stream(), await stream()]
    await until(() => [open, other].every(({ events, text }) => events.some(({ data }) => data.live) && text().includes(':\n\n')))
    await stage.writer.append('@anna', { type: 'device.revoked', sender: 'anna', key: 'd1' })
    await until(() => [open, other].every(({ events }) => events.some(({ data }) => data.bye?.reason === 'device_revoked')))
    await until(() => streams.size === 0)
  })
})
