/**
 * `roomlog import irc`: every line a command that the authority decides; over when persistence's checkpoint has passed the last one.
 *
 * Baseline: the bare two hops at saturation, as many of them as there are commands, as many in flight: two dependent commits of
 * LMDB, or produce → fetch → produce → fetch with the bare client and the far end in a process of its own.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { openLog } from '@roomlog/log'
import { commandsTopic, eventsTopic, topics } from '@roomlog/protocol'
import { kafkaForTests } from '@roomlog/testing'
import { type Deployment, startDeployment } from '../harness/deployment.ts'
import { bareClient } from './baseline-client.ts'
import { type Benchmark, median, round, verdict } from './report.ts'

const root = new URL('../../', import.meta.url).pathname
const archive = join(root, '../shared/data/irc.tar.gz')
const cli = join(root, 'apps/roomlog/dist/cli.js')
const shapes = (['embedded', 'kafka'] as const).filter((shape) => (process.env.ROOMLOG_BENCH_SHAPE ?? shape) === shape)
const rounds = Number(process.env.ROOMLOG_BENCH_ROUNDS ?? 5)
const partitions = 8
/** That of the import. */
const inFlightMax = 2_000
const generatedLines = 220_000
const linesPerFile = 5_000
const aims = { embedded: 10_000, kafka: 5_000 }

interface Imported {
  linesPerSecond: number
  serverCpuSeconds: number
  commands: number
}

interface Stage {
  deployment: Deployment
  /** Hops per second. */
  bare(commands: number): Promise<number>
  close(): Promise<void>
}

export const benchmark: Benchmark = {
  name: 'import',
  about: 'lines of an IRC log per second, decided and stored, embedded and on Kafka, against the bare two hops at saturation',
  async run(progress) {
    const figures: Record<string, number> = {}
    const ratios: Record<string, number> = {}
    const verdicts = []
    const source = existsSync(archive) ? { path: archive, remove: async () => {} } : await generated()
    progress(`source: ${source.path}`)
    for (const shape of shapes) {
      const stage = shape === 'kafka' ? await onKafka() : await embedded()
      try {
        const runs: Imported[] = []
        const bare: number[] = []
        for (let i = 0; i < rounds; i++) {
          const imported = await importOnce(stage.deployment, source.path, `bench-${i}`)
          runs.push(imported)
          progress(`${shape} import: ${JSON.stringify(imported)}`)
          bare.push(await stage.bare(imported.commands))
          progress(`${shape} bare: ${round(bare.at(-1)!, 0)} two hops/s`)
        }
        const lines = median(runs.map((run) => run.linesPerSecond))
        figures[`${shape}.linesPerSecond`] = round(lines, 0)
        figures[`${shape}.serverCpuSeconds`] = round(median(runs.map((run) => run.serverCpuSeconds)), 1)
        figures[`${shape}.serverCpuMicrosPerCommand`] = round(median(runs.map((run) => (run.serverCpuSeconds * 1e6) / run.commands)), 0)
        figures[`${shape}.bareHopsPerSecond`] = round(median(bare), 0)
        ratios[`${shape}.linesPerBareHop`] = round(median(runs.map((run, i) => run.linesPerSecond / bare[i]!)))
        verdicts.push({
          name: `${shape} import`,
          aim: `at least ${aims[shape]} lines/s`,
          met: verdict(lines >= aims[shape], bare),
        })
      } finally {
        await stage.close()
      }
    }
    await source.remove()
    return { figures, ratios, aims: verdicts }
  },
}

async function importOnce(deployment: Deployment, path: string, room: string): Promise<Imported> {
  const server = deployment.service('roomlog')
  const cpuBefore = await cpuSeconds(server.pid())
  const began = performance.now()
  const env = { ...process.env, ROOMLOG_URL: server.url, ROOMLOG_AUTH_SECRET: deployment.tokens.secret }
  const { stdout } = await promisify(execFile)(process.execPath, [cli, '--json', 'import', 'irc', path, '--room', room], { env })
  await stored(server.adminUrl)
  const seconds = (performance.now() - began) / 1_000
  const { lines, published } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { lines: number; published: number }
  return {
    linesPerSecond: round(lines / seconds, 0),
    serverCpuSeconds: round((await cpuSeconds(server.pid())) - cpuBefore, 2),
    commands: published,
  }
}

/** Resolves when no record of the log is left that persistence has not stored. */
async function stored(adminUrl: string): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${adminUrl}/metrics`)).text()
    const lags = [...text.matchAll(/^roomlog_persistence_lag_records(?:\{[^}]*\})? (\S+)$/gm)].map((match) => Number(match[1]))
    if (lags.length === 0) throw new Error('persistence does not say how far it is')
    if (lags.every((lag) => lag === 0)) return
    await delay(20)
  }
}

/** User and system time of a process, all threads; Linux only. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

const ticksPerSecond = 100

/** Lines as the archive has them: one channel, people who come, speak and leave. */
async function generated(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'rl-irc-'))
  for (let file = 0; file * linesPerFile < generatedLines; file++) {
    const lines: string[] = []
    for (let i = 0; i < linesPerFile; i++) {
      const minute = Math.floor((i * 1_440) / linesPerFile)
      const time = `[${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}]`
      const nick = `nick${(i * 7) % 300}`
      if (i % 40 === 0) lines.push(`=== ${nick} [n=${nick}@host${i % 90}.example.org] has joined #bench`)
      else lines.push(`${time} <${nick}> line ${i} of a generated log, about as long as what people say to each other`)
    }
    const day = new Date(Date.UTC(2005, 0, 1 + file)).toISOString().slice(0, 10)
    await writeFile(join(path, `${day}-bench.txt`), `${lines.join('\n')}\n`)
  }
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

async function embedded(): Promise<Stage> {
  const deployment = await startDeployment('embedded', { partitions })
  const directory = await mkdtemp(join(tmpdir(), 'rl-bare-'))
  const { open } = await import('lmdb')
  const store = open<Buffer, [string, number]>({ path: join(directory, 'bare'), overlappingSync: false })
  let offset = 0
  return {
    deployment,
    bare: (commands) =>
      saturate(commands, (arrived) => () => {
        const [value, at] = [Buffer.alloc(300, 'x'), offset++]
        store
          .put(['commands', at], value)
          .then(() => store.put(['events', at], value))
          .then(arrived)
      }),
    async close() {
      await store.close()
      await rm(directory, { recursive: true, force: true })
      await deployment.stop()
    },
  }
}

async function onKafka(): Promise<Stage> {
  const kafka = await kafkaForTests()
  if (!kafka) throw new Error('no Kafka: Java 17 and Maven, or ROOMLOG_TEST_KAFKA=host:port')
  const deployment = await startDeployment('kafka', { brokers: kafka.brokers, partitions })
  const prefix = `bare${process.pid}.`
  const log = await openLog(`kafka://${kafka.brokers}`, { partitions: 1, topicPrefix: prefix })
  await log.prepare(topics, 'strict')
  await log.close()
  const [source, target] = [`${prefix}${commandsTopic('room')}`, `${prefix}${eventsTopic('room')}`]
  const hop: ChildProcess = fork(new URL('./baseline-hop.ts', import.meta.url), [kafka.brokers, source, target, '1'])
  await new Promise((resolve) => hop.once('message', resolve))
  const client = await bareClient(kafka.brokers.split(','), 1)
  let arrived = (_count: number) => {}
  await client.follow(target, (_partition, values) => arrived(values.length))
  const value = Buffer.alloc(300, 'x')
  return {
    deployment,
    bare: (commands) =>
      saturate(commands, (onArrived) => {
        arrived = (count) => {
          for (let i = 0; i < count; i++) onArrived()
        }
        return () => client.produce(source, 0, [value])
      }),
    async close() {
      hop.disconnect()
      await client.close()
      await deployment.stop()
      await kafka.stop()
    },
  }
}

/** Keeps as many operations in flight as the import does. Operations per second. */
async function saturate(count: number, begin: (arrived: () => void) => () => void): Promise<number> {
  const began = performance.now()
  await new Promise<void>((resolve) => {
    let [sent, done] = [0, 0]
    const send = begin(() => {
      if (++done === count) resolve()
      else if (sent < count) {
        sent++
        send()
      }
    })
    while (sent < Math.min(count, inFlightMax)) {
      sent++
      send()
    }
  })
  return (count * 1_000) / (performance.now() - began)
}
