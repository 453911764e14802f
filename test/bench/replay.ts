/**
 * No cliff: how fast a client gets what it missed, from each of the places that an edge replays from.
 *
 * Method. A real Kafka and a real PostgreSQL; persistence and edges as processes of their own; events of about 200 bytes written straight
 * into the log. One raw TCP client; it counts frames by `seq` (all of them, in order, or the run fails) and says how busy it was.
 * ring: the edge followed the room while it was written. log: a fresh edge whose bound for reading by offset is raised above the distance,
 * resumed from the position of the room's first event. persistence: a fresh edge whose bound is 1, from `seq` 1. few: a room with
 * ten missed events in a partition of a million, resumed from a position before them on an edge with the default bounds.
 * First page: from the request until the first event frame; its first run on a fresh edge, connections to the sources included.
 * No baseline: the aims are absolute. Quoted are medians of three runs. ROOMLOG_BENCH_SCALE (default 1) scales 200,000 and 1,000,000.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog, partitionOf } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { startKafka, startPostgres } from '@roomlog/testing'
import { freePort, type Service, startService } from '../harness/process.ts'
import { TokenSigner } from '../harness/token.ts'
import { type Benchmark, median, round } from './report.ts'
import { LoadSocket, monotonicNs, numberIn } from './wire.ts'
import { created, PartitionWriter } from './written.ts'

const scale = Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
const missed = Math.round(200_000 * scale)
const crowd = Math.round(1_000_000 * scale)
const few = 10
const partitions = 8
const runs = 3
const batch = 500
const archivedMsMax = 600_000

type Start = (name: 'edge' | 'persistence', env?: Record<string, string>) => Promise<Service>

export const benchmark: Benchmark = {
  name: 'replay',
  about: '200,000 missed events from ring, Kafka and persistence, and ten in a partition of a million: first page, events/s, MB/s',
  async run(progress) {
    const undo: (() => Promise<unknown>)[] = []
    try {
      const tokens = new TokenSigner()
      const { log, start } = await stage(tokens, undo)
      const [large, small] = [roomIn(0), roomIn(1)]
      const other = roomIn(1, small)
      const writers = [new PartitionWriter(log, 0), new PartitionWriter(log, 1)] as const
      const first = await writers[0].append(created(large))
      await writers[1].append(created(other))
      const before = await writers[1].append(created(small))
      await start('persistence')
      const ringEdge = await start('edge', { ROOMLOG_LIMIT_RING_BYTES: String(2 ** 30) })
      const holder = await client(ringEdge, tokens)
      await holder.request({ op: 'subscribe', room: large })
      await fill(writers[0], large, missed)
      for (let i = 0; i < few; i++) {
        await fill(writers[1], other, Math.round(crowd / few))
        await writers[1].append([message(small)])
      }
      progress(`${missed} and ${crowd} events are written`)
      await archived(ringEdge, tokens, [large, writers[0].seq(large)], [other, writers[1].seq(other)])
      progress('they are archived')

      const figures: Record<string, number> = { missed, crowd }
      const cases = {
        ring: { edge: async () => ringEdge, room: large, wish: { from: 1 }, count: writers[0].seq(large) },
        log: {
          edge: () => start('edge', { ROOMLOG_LIMIT_REPLAY_RECORDS: String(2 ** 30), ROOMLOG_LIMIT_RING_BYTES: '1' }),
          room: large,
          wish: { position: first },
          count: missed,
        },
        persistence: {
          edge: () => start('edge', { ROOMLOG_LIMIT_REPLAY_RECORDS: '1' }),
          room: large,
          wish: { from: 1 },
          count: writers[0].seq(large),
        },
        few: { edge: () => start('edge'), room: small, wish: { position: before }, count: few },
      }
      for (const [name, { edge, room, wish, count }] of Object.entries(cases)) {
        const service = await edge()
        const results: Replayed[] = []
        for (let i = 0; i < runs; i++) {
          const result = await replayed(await client(service, tokens), { op: 'subscribe', room, ...wish, filter: { full: true } }, count)
          results.push(result)
          progress(`${name}: ${JSON.stringify(result)}`)
        }
        figures[`${name}.firstPageMs`] = results[0]!.firstPageMs
        figures[`${name}.firstPageWarmMs`] = median(results.slice(1).map(({ firstPageMs }) => firstPageMs))
        figures[`${name}.wholeMs`] = median(results.map(({ wholeMs }) => wholeMs))
        if (name === 'few') continue
        figures[`${name}.eventsPerSecond`] = round(count / (figures[`${name}.wholeMs`]! / 1_000), 0)
        figures[`${name}.megabytesPerSecond`] = round(results[0]!.bytes / 1e6 / (figures[`${name}.wholeMs`]! / 1_000), 1)
        figures[`${name}.generatorBusy`] = median(results.map(({ generatorBusy }) => generatorBusy))
      }
      const rate = (name: string, min: number) => ({
        name,
        aim: `at least ${min} events a second from ${name}`,
        met: figures[`${name}.eventsPerSecond`]! >= min,
      })
      return {
        figures,
        ratios: {},
        aims: [
          {
            name: 'first page',
            aim: 'first page in less than 200 ms in every case',
            met: Object.keys(cases).every((name) => figures[`${name}.firstPageMs`]! < 200),
          },
          rate('ring', 100_000),
          rate('log', 30_000),
          rate('persistence', 15_000),
        ],
      }
    } finally {
      for (const step of undo.reverse()) await step()
    }
  },
}

interface Replayed {
  firstPageMs: number
  wholeMs: number
  bytes: number
  generatorBusy: number
}

/** Every event from the one after the place that was named, in order. @throws when one is missing after a minute. */
async function replayed(socket: LoadSocket, wish: Record<string, unknown>, count: number): Promise<Replayed> {
  const cpu = process.cpuUsage()
  const from = monotonicNs()
  let [firstAt, lastAt, events, last, bytesSeen] = [0, 0, 0, 0, 0]
  const whole = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${events} of ${count} events after a minute`)), 60_000)
    socket.onFrame = (bytes, start, end, at) => {
      if (bytes.indexOf('{"event"', start) !== start) return
      const seq = numberIn(bytes, start, end, seqName)
      if (last > 0 && seq !== last + 1) reject(new Error(`seq ${seq} after ${last}`))
      last = seq
      firstAt ||= at
      lastAt = at
      bytesSeen += end - start
      if (++events < count) return
      clearTimeout(timer)
      resolve()
    }
  })
  const answer = socket.request(wish)
  await Promise.all([whole, answer])
  socket.close()
  const { user, system } = process.cpuUsage(cpu)
  const wholeMs = (lastAt - from) / 1e6
  return {
    firstPageMs: round((firstAt - from) / 1e6, 1),
    wholeMs: round(wholeMs, 1),
    bytes: bytesSeen,
    generatorBusy: round((user + system) / 1_000 / wholeMs),
  }
}

async function stage(tokens: TokenSigner, undo: (() => Promise<unknown>)[]) {
  const kafka = await startKafka()
  undo.push(() => kafka.stop())
  const postgres = await startPostgres()
  undo.push(() => postgres.stop())
  const data = await mkdtemp(join(tmpdir(), 'rl-replay-'))
  undo.push(() => rm(data, { recursive: true, force: true }))
  const topicPrefix = `r${Date.now()}.`
  const log = await openLog(`kafka://${kafka.brokers}`, { partitions, topicPrefix })
  undo.push(() => log.close())
  await log.prepare(topics, 'relaxed')
  const env: Record<string, string> = {
    ROOMLOG_AUTH_SECRET: tokens.secret,
    ROOMLOG_LOG_URL: `kafka://${kafka.brokers}`,
    ROOMLOG_TOPIC_PREFIX: topicPrefix,
    ROOMLOG_DURABILITY: 'relaxed',
    ROOMLOG_PARTITIONS: String(partitions),
    ROOMLOG_DATA: data,
    ROOMLOG_LOG_LEVEL: 'warn',
    DATABASE_URL: await postgres.createDatabase(),
  }
  const start: Start = async (name, more = {}) => {
    const [port, adminPort] = [await freePort(), await freePort()]
    const [url, adminUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`]
    const script = new URL(`../../apps/${name}/dist/main.js`, import.meta.url).pathname
    const listeners = { ROOMLOG_HTTP: `127.0.0.1:${port}`, ROOMLOG_ADMIN_HTTP: `127.0.0.1:${adminPort}` }
    const service = await startService({ name, script, url, adminUrl, env: { ...env, ...listeners, ...more } })
    undo.push(() => service.stop())
    // The edges read from persistence; what they pass on, nobody asks for here.
    if (name === 'persistence') Object.assign(env, { ROOMLOG_PERSISTENCE_URL: url, ROOMLOG_INGEST_URL: url })
    return service
  }
  return { log, start }
}

async function fill(writer: PartitionWriter, room: string, count: number): Promise<void> {
  for (let left = count; left > 0; left -= batch) await writer.append(Array.from({ length: Math.min(batch, left) }, () => message(room)))
}

/** Until a fresh client of persistence is told of each room's last event. */
async function archived(edge: Service, tokens: TokenSigner, ...ends: [room: string, seq: number][]): Promise<void> {
  const token = await tokens.service('auditor', ['read', 'admin'])
  const deadline = performance.now() + archivedMsMax
  for (const [room, seq] of ends) {
    for (;;) {
      const answer = await fetch(`${edge.url}/v1/rooms/${room}`, { headers: { authorization: `Bearer ${token}` } })
      if (answer.ok && ((await answer.json()) as { seq: number }).seq === seq) break
      if (performance.now() > deadline) throw new Error(`room ${room} is not archived: ${answer.status}`)
      await sleep(500)
    }
  }
}

async function client(edge: Service, tokens: TokenSigner): Promise<LoadSocket> {
  const socket = await LoadSocket.open(edge.url)
  await socket.request({ op: 'auth', token: await tokens.user('reader') })
  return socket
}

function roomIn(partition: number, except = ''): string {
  for (let i = 0; ; i++) if (partitionOf(`room-${i}`, partitions) === partition && `room-${i}` !== except) return `room-${i}`
}

const message = (room: string) => ({ room, type: 'msg.text', content: `{"body":"${'x'.repeat(70)}"}` })
const seqName = Buffer.from('"seq":')
