/**
 * Only relevant partitions: what an edge fetches follows from the partitions that its clients use.
 *
 * Method. A real Kafka, one edge as its own process, a history that knows nothing (the log itself says that the rooms are public).
 * Every one of 64 partitions gets the same stream of events all the time, written straight into the log. One client subscribes to a room
 * each in 0, 1, 8 and 64 partitions, in this order; after each step the bytes of `room.events` that the edge has read from Kafka
 * are taken over the same time. Baseline: one partition. ROOMLOG_BENCH_SCALE (default 1) scales that time.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog, partitionOf } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { startKafka } from '@roomlog/testing'
import { freePort, startService } from '../harness/process.ts'
import { TokenSigner } from '../harness/token.ts'
import { type Benchmark, round } from './report.ts'
import { LoadSocket } from './wire.ts'
import { created, PartitionWriter } from './written.ts'

const partitions = 64
const steps = [0, 1, 8, 64]
const windowMs = 10_000 * Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
const settleMs = 3_000
const everyMs = 500
const perBatch = 5
const edgeScript = new URL('../../apps/edge/dist/main.js', import.meta.url).pathname

export const benchmark: Benchmark = {
  name: 'partitions',
  about: 'bytes that an edge fetches from Kafka with rooms in 0, 1, 8 and 64 of 64 partitions in use',
  async run(progress) {
    const kafka = await startKafka()
    const tokens = new TokenSigner()
    const topicPrefix = `p${Date.now()}.`
    const log = await openLog(`kafka://${kafka.brokers}`, { partitions, topicPrefix })
    await log.prepare(topics, 'relaxed')
    const rooms = onePerPartition()
    const writers = rooms.map((_, partition) => new PartitionWriter(log, partition))
    await Promise.all(writers.map((writer, i) => writer.append(created(rooms[i]!))))
    const history = createServer((request, response) => response.end(stateNothing(request.url ?? '')))
    await new Promise<void>((resolve) => history.listen(0, '127.0.0.1', resolve))
    const [port, adminPort] = [await freePort(), await freePort()]
    const [url, adminUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`]
    const edge = await startService({
      name: 'edge',
      script: edgeScript,
      url,
      adminUrl,
      env: {
        ROOMLOG_AUTH_SECRET: tokens.secret,
        ROOMLOG_LOG_URL: `kafka://${kafka.brokers}`,
        ROOMLOG_TOPIC_PREFIX: topicPrefix,
        ROOMLOG_DURABILITY: 'relaxed',
        ROOMLOG_PARTITIONS: String(partitions),
        ROOMLOG_HTTP: `127.0.0.1:${port}`,
        ROOMLOG_ADMIN_HTTP: `127.0.0.1:${adminPort}`,
        ROOMLOG_PERSISTENCE_URL: `http://127.0.0.1:${(history.address() as AddressInfo).port}`,
        ROOMLOG_LOG_LEVEL: 'warn',
      },
    })
    let writing = true
    let written = 0
    const body = `{"body":"${'x'.repeat(800)}"}`
    const write = async (writer: PartitionWriter, room: string) => {
      while (writing) {
        const due = performance.now() + everyMs
        await writer.append(Array.from({ length: perBatch }, () => ({ room, type: 'msg.text', content: body })))
        written += perBatch
        await sleep(Math.max(due - performance.now(), 0))
      }
    }
    const writes = writers.map((writer, i) => write(writer, rooms[i]!))
    const figures: Record<string, number> = {}
    try {
      const socket = await LoadSocket.open(url)
      await socket.request({ op: 'auth', token: await tokens.user('reader') })
      let used = 0
      for (const step of steps) {
        for (; used < step; used++) await socket.request({ op: 'subscribe', room: rooms[used]! })
        await sleep(settleMs)
        const [before, writtenBefore] = [await fetched(adminUrl), written]
        await sleep(windowMs)
        const bytes = (await fetched(adminUrl)) - before
        figures[`${step}.bytesPerSecond`] = round(bytes / (windowMs / 1_000), 0)
        figures[`${step}.bytesPerEventWritten`] = round(bytes / (written - writtenBefore))
        progress(`${step} partitions: ${figures[`${step}.bytesPerSecond`]} bytes/s`)
      }
      socket.close()
    } finally {
      writing = false
      await Promise.allSettled(writes)
      await edge.stop()
      history.close()
      await log.close()
      await kafka.stop()
    }
    const one = figures['1.bytesPerEventWritten']!
    const ratios = {
      'eight to one': round(figures['8.bytesPerEventWritten']! / one),
      'sixty-four to one': round(figures['64.bytesPerEventWritten']! / one),
    }
    const near = (ratio: number, wanted: number) => ratio > wanted * 0.8 && ratio < wanted * 1.25
    return {
      figures,
      ratios,
      aims: [
        { name: 'none', aim: 'nothing is fetched without a subscriber', met: figures['0.bytesPerSecond'] === 0 },
        {
          name: 'proportional',
          aim: 'bytes fetched are proportional to the partitions in use (within 25 %)',
          met: near(ratios['eight to one'], 8) && near(ratios['sixty-four to one'], 64),
        },
      ],
    }
  },
}

async function fetched(adminUrl: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(/^roomlog_edge_fetched_bytes\{topic="(?:[^"]*\.)?room\.events"[^}]*\} (\S+)/m.exec(text)?.[1] ?? 0)
}

function onePerPartition(): string[] {
  const rooms: string[] = []
  for (let i = 0, found = 0; found < partitions; i++) {
    const partition = partitionOf(`room-${i}`, partitions)
    if (rooms[partition] !== undefined) continue
    rooms[partition] = `room-${i}`
    found++
  }
  return rooms
}

function stateNothing(path: string): string {
  const room = decodeURIComponent(path.split('/')[3] ?? '')
  if (path.includes('/revocations')) return '{"revocations":[],"next":0,"more":false}'
  if (path.includes('/erased')) return '{"erased":[],"through":0}'
  if (path.includes('/events')) return '{"events":[],"through":0}'
  const partition = partitionOf(room, partitions)
  return JSON.stringify({
    room,
    partition,
    through: 0,
    exists: false,
    deleted: false,
    seq: 0,
    access: 'limited',
    history: [],
    membership: [],
  })
}
