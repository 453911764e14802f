/**
 * A process takes one partition over: 100,000 rooms × 10 members × 5 state entries, one room with 10,000 members, and behind the
 * checkpoint as many events as there may be. Measured in a fresh process, from the moment that the partition is given to it until
 * it decides commands. Baseline: a fresh process that reads the same bytes with the bare client, on LMDB without it.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, openLog } from '@roomlog/log'
import { eventsTopic, stateTopic, topics } from '@roomlog/protocol'
import { kafkaForTests } from '@roomlog/testing'
import { type Benchmark, median, round, spread, verdict } from './report.ts'
import { type Content, fill } from './takeover-content.ts'

const content: Content = {
  rooms: Number(process.env.ROOMLOG_BENCH_ROOMS ?? 100_000),
  members: 10,
  largeMembers: 10_000,
  state: 5,
  replayed: 20_000,
}
const shapes = (['embedded', 'kafka'] as const).filter((shape) => (process.env.ROOMLOG_BENCH_SHAPE ?? shape) === shape)
const rounds = Number(process.env.ROOMLOG_BENCH_ROUNDS ?? 5)
const aimMs = 10_000

interface Result {
  ms: number
  cpuMs: number
  rssBytes: number
}

interface Stage {
  url: string
  topicPrefix: string
  close(): Promise<void>
}

export const benchmark: Benchmark = {
  name: 'takeover',
  about: 'a fresh owner of a partition of 100,000 rooms, until it decides commands, against reading the same bytes',
  async run(progress) {
    const figures: Record<string, number> = {}
    const ratios: Record<string, number> = {}
    const aims = []
    for (const shape of shapes) {
      const stage = shape === 'kafka' ? await onKafka() : await embedded()
      try {
        const records = await prepare(stage, (line) => progress(`${shape}: ${line}`))
        const runs = { owner: [] as Result[], bare: [] as Result[] }
        for (let i = 0; i < rounds; i++) {
          for (const mode of i % 2 ? (['bare', 'owner'] as const) : (['owner', 'bare'] as const)) {
            const result = await inProcess(mode, stage, records)
            runs[mode].push(result)
            progress(`${shape} ${mode}: ${JSON.stringify(result)}`)
          }
        }
        const bare = runs.bare.map(({ ms }) => ms)
        figures[`${shape}.records`] = records
        figures[`${shape}.takeoverMs`] = round(median(runs.owner.map(({ ms }) => ms)), 0)
        figures[`${shape}.takeoverCpuMs`] = round(median(runs.owner.map(({ cpuMs }) => cpuMs)), 0)
        figures[`${shape}.takeoverRssMiB`] = round(median(runs.owner.map(({ rssBytes }) => rssBytes / 2 ** 20)), 0)
        figures[`${shape}.bareMs`] = round(median(bare), 0)
        figures[`${shape}.bareSpread`] = round(spread(bare))
        ratios[`${shape}.takeover`] = round(median(runs.owner.map(({ ms }, i) => ms / bare[i]!)))
        const met = runs.owner.every(({ ms }) => ms <= aimMs) || verdict(figures[`${shape}.takeoverMs`]! <= aimMs, bare)
        aims.push({ name: `${shape} takeover`, aim: `at most ${aimMs / 1_000} s after the group has given the partition`, met })
      } finally {
        await stage.close()
      }
    }
    return { figures, ratios, aims }
  },
}

/** Returns how many records an owner has to read. */
async function prepare({ url, topicPrefix }: Stage, progress: (line: string) => void): Promise<number> {
  const log = await openLog(url, { partitions: 1, topicPrefix })
  try {
    await log.prepare(topics, 'relaxed')
    await fill(log, content, progress)
    return (await count(log, stateTopic('room'))) + (await count(log, eventsTopic('room')))
  } finally {
    await log.close()
  }
}

/** What is there to read: compaction may have begun. */
async function count(log: Log, topic: string): Promise<number> {
  const { start, end } = await log.range(topic, 0)
  let records = 0
  for (let at = start; at < end; ) {
    const batch = await log.read(topic, 0, at)
    records += batch.records.length
    at = batch.next
  }
  return records
}

async function embedded(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'rl-takeover-'))
  return { url: `file:${directory}`, topicPrefix: '', close: () => rm(directory, { recursive: true, force: true }) }
}

async function onKafka(): Promise<Stage> {
  const kafka = await kafkaForTests()
  if (!kafka) throw new Error('no Kafka: Java 17 and Maven, or ROOMLOG_TEST_KAFKA=host:port')
  return { url: `kafka://${kafka.brokers}`, topicPrefix: `b${randomBytes(4).toString('hex')}.`, close: () => kafka.stop() }
}

function inProcess(mode: 'owner' | 'bare', { url, topicPrefix }: Stage, records: number): Promise<Result> {
  const child = fork(new URL('./takeover-owner.ts', import.meta.url), [mode, url, topicPrefix, String(records)])
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as Result))
    child.once('exit', (code) => reject(new Error(`${mode} ended with ${code} before it was done`)))
  })
}
