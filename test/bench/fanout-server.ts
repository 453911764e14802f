/**
 * The two sides of `fanout` (and the edge of `connections` and `slow`), each a process of its own: the edge as its module makes it, on the memory log and a history that knows
 * nothing (the log itself says that the rooms are public), or a bare `ws` server that sends a prebuilt buffer in a loop.
 *
 * Publishing happens here, so that every event says when its bytes were in the process: the time stands in its content. The CPU of
 * the append to the memory log is no work of an edge: it is measured alone first, with nobody subscribed, and reported apart.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { EdgeModule } from '@roomlog/edge'
import { type Log, openLog, partitionOf } from '@roomlog/log'
import { encodeEvent, topics } from '@roomlog/protocol'
import { createLogger, loadConfig, serve } from '@roomlog/runtime'
import { WebSocket, WebSocketServer } from 'ws'
import { monotonicNs } from './wire.ts'

export interface Wish {
  rooms: number
  rate: number
  durationMs: number
}

/** What the process holds after a collection. */
export interface Measure {
  rssBytes: number
  heapBytes: number
  externalBytes: number
}

export interface Done {
  sent: number
  cpuUs: number
  /** CPU of one append, measured with nobody subscribed; 0 for the bare server. */
  appendUs: number
  busy: number
}

export interface Served {
  url: string
  adminUrl: string
  publish: Publish
  appendUs: number
}

/** `at`: when the event's bytes came into the process; the same for all that came together. */
type Publish = (room: number, n: number, at: number) => void

const partitions = 64
const padding = 'x'.repeat(Number(process.env.BODY_BYTES ?? 40))
const tickMs = 1
const settleMs = 400

async function edge(rooms: number): Promise<Served> {
  const logUrl = 'memory:fanout'
  const log = await openLog(logUrl, { partitions })
  await log.prepare(topics, 'relaxed')
  const writer = new Writer(log)
  for (let i = 0; i < rooms; i++) await writer.write(`room-${i}`, 'room.created', '{"access":"public","history":"world"}')
  const history = await listening(createServer((request, response) => response.end(stateNothing(request.url ?? ''))))
  const config = loadConfig(
    {
      ...process.env,
      ROOMLOG_LOG_URL: logUrl,
      ROOMLOG_DURABILITY: 'relaxed',
      ROOMLOG_PARTITIONS: String(partitions),
      ROOMLOG_HTTP: '127.0.0.1:0',
      ROOMLOG_ADMIN_HTTP: '127.0.0.1:0',
      ROOMLOG_PERSISTENCE_URL: history,
      ROOMLOG_MQTT: '',
    },
    { app: 'edge' },
  )
  const served = await serve(EdgeModule.register(config), {
    service: 'edge',
    config,
    logger: createLogger({ service: 'edge', level: 'warn' }),
  })
  const appendUs = await costOf(writer)
  return {
    url: served.url,
    adminUrl: served.adminUrl,
    appendUs,
    publish: (room, n, at) => void writer.write(`room-${room}`, 'msg.text', contentOf(n, at)),
  }
}

/** Rooms by the number that a client sends first. */
async function bare(): Promise<Served> {
  const members = new Map<number, WebSocket[]>()
  const http = createServer()
  const server = new WebSocketServer({ server: http, perMessageDeflate: false })
  server.on('connection', (ws) =>
    ws.on('message', (data) => {
      const { id, room } = JSON.parse(String(data)) as { id: number; room?: number }
      if (room !== undefined) members.set(room, [...(members.get(room) ?? []), ws])
      ws.send(JSON.stringify({ id, ok: {} }))
    }),
  )
  const url = await listening(http)
  return {
    url,
    adminUrl: '',
    appendUs: 0,
    publish(room, n, at) {
      const event = eventText(`room-${room}`, partitionOf(`room-${room}`, partitions), n, n, 'msg.text', contentOf(n, at))
      const position = `AAAAAAAA.1.${n}.${n}.AAAAAAAA`
      const frame = Buffer.from(`{"event":${event},"after":${n - 1},"position":"${position}"}`)
      for (const ws of members.get(room)!) ws.send(frame, { binary: false })
    },
  }
}

/** What the authority does, as far as an edge can tell. */
class Writer {
  private readonly ends = new Map<number, number>()
  private readonly seqs = new Map<string, number>()

  private readonly log: Log

  constructor(log: Log) {
    this.log = log
  }

  async write(room: string, type: string, content: string): Promise<void> {
    const partition = partitionOf(room, partitions)
    const offset = this.ends.get(partition) ?? 0
    const seq = (this.seqs.get(room) ?? 0) + 1
    this.ends.set(partition, offset + 1)
    this.seqs.set(room, seq)
    const headers = { v: '1', cmd: '0', seq: String(seq), type, sender: 'anna' }
    const { appended } = await this.log.append('room.events', partition, offset, [
      { key: room, value: eventText(room, partition, offset, seq, type, content), headers },
    ])
    if (!appended) throw new Error('somebody else writes this log')
  }
}

async function costOf(writer: Writer): Promise<number> {
  const appends = 4_000
  const append = async (n: number) => {
    for (let i = 0; i < n; i++) await writer.write(`nobody-${i % 100}`, 'msg.text', contentOf(i, monotonicNs()))
  }
  await append(appends)
  const before = process.cpuUsage()
  await append(appends)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / appends
}

/** About 200 bytes as a value of the log, unless more is asked for. */
const contentOf = (n: number, at: number) => `{"t":${at},"n":${n},"body":"${padding}"}`

const eventText = (room: string, partition: number, offset: number, seq: number, type: string, content: string) =>
  encodeEvent({ id: `${partition}-${offset}-AAAAAAAA`, room, seq, type, sender: { id: 'anna' }, at: Date.now(), content } as never)

function stateNothing(path: string): string {
  const room = decodeURIComponent(path.split('/')[3] ?? '')
  if (path.includes('/revocations')) return '{"revocations":[],"next":0,"more":false}'
  if (path.includes('/erased')) return '{"erased":[],"through":0}'
  if (path.includes('/events')) return '{"events":[],"through":0}'
  const partition = partitionOf(room, partitions)
  const statement = { room, partition, through: 0, exists: false, deleted: false, seq: 0, access: 'limited', history: [], membership: [] }
  return JSON.stringify(statement)
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function run({ rooms, rate, durationMs }: Wish, publish: Publish): Promise<Omit<Done, 'appendUs'>> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const begun = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const tick = () => {
      const elapsed = Math.min(performance.now() - begun, durationMs)
      const due = Math.floor((elapsed * rate) / 1_000)
      const at = monotonicNs()
      for (; sent < due; sent++) publish(sent % rooms, sent + 1, at)
      if (elapsed < durationMs) setTimeout(tick, tickMs)
      else setTimeout(resolve, settleMs)
    }
    tick()
  })
  const { user, system } = process.cpuUsage(cpu)
  return { sent, cpuUs: user + system, busy: performance.eventLoopUtilization(loop).utilization }
}

function measure(): Measure {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const [side, rooms] = process.argv.slice(2)
const served = side === 'bare' ? await bare() : await edge(Number(rooms))
process.on('message', async (wish: Wish | 'measure' | 'cpu') => {
  if (wish === 'measure') return process.send!(measure())
  if (wish === 'cpu') return process.send!(cpuUs())
  const done: Done = { ...(await run(wish, served.publish)), appendUs: served.appendUs }
  process.send!(done)
})
process.on('disconnect', () => process.exit(0))
process.send!(served)
