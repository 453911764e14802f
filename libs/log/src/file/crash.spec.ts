/** A process is killed with -9 at random moments; everything it was acknowledged is there, nothing is torn. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog } from '../open.js'
import { specs } from '../stage.contract.js'

const rounds = 10
const partitions = 4
const url = (file: string) => fileURLToPath(new URL(file, import.meta.url))

describe('a file: log whose process is killed', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'roomlog-crash-'))
    const log = await openLog(`file:${directory}`, { partitions })
    await log.prepare(specs, 'strict')
    await log.close()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('has everything that was acknowledged, and nothing torn', { timeout: 120_000 }, async () => {
    const acknowledged = new Map<string, number>()
    for (let round = 0; round < rounds; round++) {
      await killedAfter(20 + Math.random() * 300, (place, end) => acknowledged.set(place, end))
      const log = await openLog(`file:${directory}`, { partitions })
      try {
        for (let partition = 0; partition < partitions; partition++) {
          for (const topic of ['room.events', 'room.commands']) {
            const { end } = await log.range(topic, partition)
            expect(end).toBeGreaterThanOrEqual(acknowledged.get(`${topic} ${partition}`) ?? 0)
            await wholeAndDense(log, topic, partition, end)
          }
        }
      } finally {
        await log.close()
      }
    }
    expect(acknowledged.get('room.events 0')).toBeGreaterThan(rounds)
  })

  async function wholeAndDense(log: Awaited<ReturnType<typeof openLog>>, topic: string, partition: number, end: number): Promise<void> {
    let next = 0
    let batchEnd = 0
    while (next < end) {
      const batch = await log.read(topic, partition, next)
      for (const { offset, value } of batch.records) {
        expect(offset).toBe(next++)
        const [number, , span] = value!.toString().split(' ')
        expect(Number(number)).toBe(offset)
        if (span) batchEnd = span.split('+').reduce((sum, part) => sum + Number(part), 0)
      }
    }
    if (topic === 'room.events') expect(end).toBe(batchEnd)
  }

  function killedAfter(ms: number, acknowledge: (place: string, end: number) => void): Promise<void> {
    const node = ['--no-warnings', '--experimental-transform-types', '-C', '@roomlog/source', '--import', url('./crash.loader.mjs')]
    const child = spawn(process.execPath, [...node, url('./crash.child.ts'), directory, String(partitions)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'open') return void setTimeout(() => child.kill('SIGKILL'), ms)
      const [topic, partition, end] = line.split(' ')
      acknowledge(`${topic} ${partition}`, Number(end))
    })
    return new Promise((resolve, reject) => child.on('error', reject).on('close', () => resolve()))
  }
})
