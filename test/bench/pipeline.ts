/**
 * WebSocket publish → WebSocket deliver, through both hops of the log.
 *
 * Kafka: the all-in-one as one process, one broker with a flush per produce (what `strict` demands of one broker); the
 * baseline is the bare client library, two processes, the same topics, partitions, flush and acks.
 * Embedded: the all-in-one on LMDB, durable before visible; the baseline is two dependent durable commits of LMDB.
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog, partitionOf } from '@roomlog/log'
import { commandsTopic, eventsTopic, topics } from '@roomlog/protocol'
import { startKafka } from '@roomlog/testing'
import { type Deployment, startDeployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'
import { bareClient } from './baseline-client.ts'
import { type LoadResult, openLoop } from './load.ts'
import { type Benchmark, median, round, verdict } from './report.ts'

const rates = process.env.ROOMLOG_BENCH_RATES?.split(',').map(Number) ?? [200, 1_000, 5_000]
const rounds = Number(process.env.ROOMLOG_BENCH_ROUNDS ?? 5)
const durationMs = 4_000
const rooms = 50
const partitions = 8
/** The door's limits are not what is measured here. */
const unlimited = { ROOMLOG_LIMIT_CONNECTION_MESSAGES_PER_SECOND: '100000', ROOMLOG_LIMIT_CONNECTION_MESSAGES_BURST: '100000' }

const shapes = (['embedded', 'kafka'] as const).filter((shape) => (process.env.ROOMLOG_BENCH_SHAPE ?? shape) === shape)

type Load = (rate: number) => Promise<LoadResult>

export const benchmark: Benchmark = {
  name: 'pipeline',
  about: 'WebSocket publish to deliver at 200, 1,000 and 5,000 events/s, embedded and on Kafka, against the bare two hops',
  async run(progress) {
    const figures: Record<string, number> = {}
    const ratios: Record<string, number> = {}
    const bareAt: Record<string, number[]> = {}
    for (const shape of shapes) {
      const stage = shape === 'kafka' ? await onKafka() : await embedded()
      try {
        await stage.product(200)
        await stage.bare(200)
        for (const rate of rates) {
          const runs = { bare: [] as LoadResult[], product: [] as LoadResult[] }
          for (let i = 0; i < rounds; i++) {
            for (const side of i % 2 ? (['bare', 'product'] as const) : (['product', 'bare'] as const)) {
              const result = await stage[side](rate)
              runs[side].push(result)
              progress(`${shape} ${side} ${rate}/s: ${JSON.stringify(result)}`)
            }
          }
          const name = `${shape}.${rate}`
          for (const side of ['bare', 'product'] as const) {
            figures[`${name}.${side}.p50Ms`] = round(median(runs[side].map((run) => run.p50)))
            figures[`${name}.${side}.p99Ms`] = round(median(runs[side].map((run) => run.p99)))
            figures[`${name}.${side}.missing`] = runs[side].reduce((sum, run) => sum + run.sent - run.received, 0)
          }
          figures[`${name}.generatorBusy`] = round(Math.max(...runs.product.map((run) => run.generatorBusy)))
          ratios[`${name}.p50`] = round(median(runs.product.map((run, i) => run.p50 / runs.bare[i]!.p50)))
          bareAt[name] = runs.bare.map((run) => run.p50)
        }
      } finally {
        await stage.close()
      }
    }
    return {
      figures,
      ratios,
      aims: aims.flatMap(({ name, aim, at, ratio, max }) => {
        const value = ratio ? ratios[`${at}.p50`] : figures[`${at}.product.${name.split(' ')[1]}Ms`]
        return value === undefined ? [] : [{ name, aim, met: verdict(value <= max, bareAt[at]!) }]
      }),
    }
  },
}

/** Judged where their rate and shape were measured. */
const aims = [
  { name: 'kafka p50', aim: 'p50 at 1,000/s on Kafka at most 2 × the bare loop', at: 'kafka.1000', ratio: true, max: 2 },
  { name: 'kafka p99', aim: 'p99 at 1,000/s on Kafka at most 25 ms', at: 'kafka.1000', ratio: false, max: 25 },
  { name: 'embedded p50', aim: 'p50 at 1,000/s embedded at most 5 ms', at: 'embedded.1000', ratio: false, max: 5 },
]

interface Stage {
  product: Load
  bare: Load
  close(): Promise<void>
}

async function onKafka(): Promise<Stage> {
  const kafka = await startKafka()
  const deployment = await startDeployment('kafka', { brokers: kafka.brokers, partitions, env: unlimited })
  const log = await openLog(`kafka://${kafka.brokers}`, { partitions, topicPrefix: 'bare.' })
  await log.prepare(topics, 'strict')
  await log.close()
  const [source, target] = [`bare.${commandsTopic('room')}`, `bare.${eventsTopic('room')}`]
  const hop = fork(new URL('./baseline-hop.ts', import.meta.url), [kafka.brokers, source, target, String(partitions)])
  await new Promise((resolve) => hop.once('message', resolve))
  const client = await bareClient(kafka.brokers.split(','), partitions)
  let arrived: (i: number) => void = () => {}
  await client.follow(target, (_partition, values) => {
    for (const value of values) arrived(Number.parseInt(value.toString('utf8', 0, 12), 10))
  })
  const padding = 'x'.repeat(288)
  return {
    product: await productLoad(deployment),
    bare: (rate) =>
      openLoop(rate, durationMs, (onArrived) => {
        arrived = onArrived
        return (i) => client.produce(source, i % partitions, [Buffer.from(String(i).padStart(12, '0') + padding)])
      }),
    async close() {
      hop.disconnect()
      await client.close()
      await deployment.stop()
      await kafka.stop()
    },
  }
}

async function embedded(): Promise<Stage> {
  const deployment = await startDeployment('embedded', { partitions, env: unlimited })
  const directory = await mkdtemp(join(tmpdir(), 'rl-bare-'))
  const { open } = await import('lmdb')
  const store = open<Buffer, [string, number]>({ path: join(directory, 'bare'), overlappingSync: false })
  return {
    product: await productLoad(deployment),
    bare: (rate) =>
      openLoop(rate, durationMs, (arrived) => (i) => {
        const value = Buffer.alloc(300, 'x')
        store
          .put(['commands', i], value)
          .then(() => store.put(['events', i], value))
          .then(() => arrived(i))
      }),
    async close() {
      await store.close()
      await rm(directory, { recursive: true, force: true })
      await deployment.stop()
    },
  }
}

/** One socket a room; each publishes into its room and is subscribed to it. */
async function productLoad(deployment: Deployment): Promise<Load> {
  const url = deployment.urls[0]!
  const sockets: { room: string; socket: WireSocket }[] = []
  for (let i = 0; i < rooms; i++) {
    const token = await deployment.tokens.user(`user-${i}`)
    const { room } = await new Caller(url, token).done('/v1/rooms', { access: 'public' })
    const socket = await WireSocket.open(url, token)
    await socket.ok({ op: 'subscribe', room })
    sockets.push({ room, socket })
  }
  if (new Set(sockets.map(({ room }) => partitionOf(room, partitions))).size < 2) throw new Error('all rooms fell into one partition')
  const body = 'x'.repeat(150)
  return (rate) =>
    openLoop(rate, durationMs, (arrived) => {
      for (const { socket } of sockets) {
        socket.frames.length = 0
        socket.texts.length = 0
        socket.ws.removeAllListeners('message')
        socket.ws.on('message', (data: Buffer) => {
          const text = data.toString('utf8')
          for (const match of text.matchAll(/\{"event":\{.*?"content":\{"i":(\d+)/g)) arrived(Number(match[1]))
        })
      }
      return (i) => {
        const { room, socket } = sockets[i % sockets.length]!
        socket.ws.send(`{"id":${i},"op":"do","room":"${room}","type":"msg.text","content":{"i":${i},"body":"${body}"}}`)
      }
    })
}
