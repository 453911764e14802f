/** What readers and writers see when brokers stop, hang, die and come back. One real broker, then three. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Kafka, missingJava, startKafka } from '@roomlog/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RoomlogError } from '../failure.js'
import { openLog } from '../open.js'
import type { Log } from '../port.js'
import { specs } from '../stage.contract.js'

const partitions = 6
const url = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const reason = missingJava()
const until = (condition: () => void) => vi.waitFor(condition, { timeout: 60_000, interval: 20 })

/** Appends one record after the other to each partition, as an authority does: after a failure it reads what is there. */
function writer(log: Log, topic: string) {
  const acknowledged = new Map<number, number>()
  const failures: string[] = []
  let stopped = false
  const runs = Array.from({ length: partitions }, async (_, partition) => {
    let end: number | undefined
    while (!stopped) {
      try {
        end ??= (await log.range(topic, partition)).end
        const outcome = await log.append(topic, partition, end, [{ key: 'r', value: `after ${end}` }])
        if (outcome.appended) acknowledged.set(partition, (end += 1))
        else end = undefined
      } catch (error) {
        failures.push((error as RoomlogError).code)
        end = undefined
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  const stop = async () => {
    stopped = true
    await Promise.all(runs)
  }
  onTestFinished(stop)
  return { acknowledged, failures, stop }
}

/** Follows every partition and keeps the offsets it was given. */
function reader(log: Log, topic: string) {
  const seen = Array.from({ length: partitions }, (): number[] => [])
  const ends = Array.from({ length: partitions }, () => 0)
  const tails = seen.map((offsets, partition) =>
    log.tail(topic, partition, 0, (batch) => {
      offsets.push(...batch.records.map((record) => record.offset))
      ends[partition] = batch.next
    }),
  )
  onTestFinished(async () => void (await Promise.all(tails.map((tail) => tail.stop()))))
  /** Resolves when every partition has gone on since the call. */
  const moves = () => {
    const before = [...ends]
    return until(() => expect(ends.every((end, partition) => end > before[partition]! + 5)).toBe(true))
  }
  return { seen, ends, tails, moves }
}

/** Every tail has what a fresh read gives: once, in order, and nothing acknowledged is missing. */
async function equal(log: Log, topic: string, { seen }: ReturnType<typeof reader>, acknowledged: Map<number, number>) {
  for (let partition = 0; partition < partitions; partition++) {
    const { end } = await log.range(topic, partition)
    expect(end).toBeGreaterThanOrEqual(acknowledged.get(partition) ?? 0)
    const all: number[] = []
    for (let from = 0; from < end; ) {
      const batch = await log.read(topic, partition, from)
      all.push(...batch.records.map((record) => record.offset))
      from = batch.next
    }
    await until(() => expect(seen[partition]).toEqual(all))
  }
}

describe.skipIf(reason)('one broker', () => {
  let kafka: Kafka
  let log: Log
  beforeAll(async () => {
    kafka = await startKafka({ proxied: true })
    log = await openLog(kafka.url, { partitions, kafka: { requestTimeoutMs: 3_000 } })
    await log.prepare(specs, 'strict')
  })
  afterAll(async () => {
    await log?.close()
    await kafka?.stop()
  })

  it('is followed through cut connections, a hang and a restart, without gap, repeat or loss', { timeout: 180_000 }, async () => {
    const written = writer(log, 'room.events')
    const read = reader(log, 'room.events')
    await read.moves()
    for (let round = 0; round < 3; round++) {
      kafka.proxies[0]!.cut()
      await read.moves()
    }
    kafka.proxies[0]!.stall()
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    kafka.proxies[0]!.heal()
    await read.moves()
    await kafka.kill()
    await kafka.restart()
    await read.moves()
    await written.stop()
    await equal(log, 'room.events', read, written.acknowledged)
    expect(new Set(written.failures)).not.toContain('invalid')
  })

  it('says unknown of an append whose answer never comes, and the log tells that it is there', { timeout: 60_000 }, async () => {
    const { end } = await log.range('room.events', 0)
    kafka.proxies[0]!.stall('toSource')
    const outcome = log.append('room.events', 0, end, [{ key: 'r', value: 'unheard' }])
    await expect(outcome).rejects.toMatchObject({ code: 'unknown', retriable: true })
    kafka.proxies[0]!.heal()
    await vi.waitFor(
      async () => expect((await log.read('room.events', 0, end)).records.map((record) => record.value!.toString())).toEqual(['unheard']),
      { timeout: 30_000 },
    )
  })

  it('says unavailable, within a bound and in a short line, while nobody is there', { timeout: 90_000 }, async () => {
    kafka.proxies[0]!.refuse()
    const failure = (await log.append('room.events', 1, 0, [{ key: 'r', value: 'x' }]).catch((error) => error)) as RoomlogError
    expect(['unavailable', 'unknown']).toContain(failure.code)
    expect(failure.message.length).toBeLessThan(300)
    await expect(openLog(kafka.url, { partitions })).rejects.toMatchObject({ code: 'unavailable' })
    kafka.proxies[0]!.heal()
    await vi.waitFor(() => log.range('room.events', 1), { timeout: 30_000 })
  })

  it('grants the partitions of a process that was killed to the one that lives', { timeout: 90_000 }, async () => {
    const owned = new Set<number>()
    const claim = await log.claim('authority', ['room.commands'], {
      onGranted: (granted) => granted.forEach((partition) => void owned.add(partition)),
      onRevoked: async (revoked) => revoked.forEach((partition) => void owned.delete(partition)),
    })
    onTestFinished(() => claim.release())
    await until(() => expect(owned.size).toBe(partitions))
    const node = ['--no-warnings', '--experimental-transform-types', '-C', '@roomlog/source', '--import', url('../file/crash.loader.mjs')]
    const child = spawn(process.execPath, [...node, url('./claimant.child.ts'), kafka.url, String(partitions)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    await until(() => expect(owned.size).toBe(partitions / 2))
    child.kill('SIGKILL')
    await until(() => expect(owned.size).toBe(partitions))
  })
})

describe.skipIf(reason)('three brokers', () => {
  let kafka: Kafka
  let log: Log
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3, heapMiB: 384 })
    log = await openLog(kafka.url, { partitions, kafka: { requestTimeoutMs: 4_000 } })
  })
  afterAll(async () => {
    await log?.close()
    await kafka?.stop()
  })

  it('get topics with three replicas, two in step', async () => {
    // A busy machine may have fenced one of them for a moment.
    await vi.waitFor(async () => expect(await log.prepare(specs, 'strict')).toMatchObject({ risks: [] }), { timeout: 30_000 })
    expect((await log.inspect(specs)).map(({ replicas, findings }) => [replicas, findings])).toEqual(specs.map(() => [3, []]))
  })

  it('are followed through the death, the pause and the return of leaders, without gap, repeat or loss', { timeout: 240_000 }, async () => {
    const written = writer(log, 'room.events')
    const read = reader(log, 'room.events')
    await read.moves()
    await kafka.kill(0)
    await read.moves()
    await kafka.restart(0)
    await read.moves()
    kafka.pause(1)
    await read.moves()
    kafka.resume(1)
    await read.moves()
    await kafka.restart(2)
    await read.moves()
    await written.stop()
    await equal(log, 'room.events', read, written.acknowledged)
  })
})
