/** Every service killed once with -9 under load, on Kafka as separate processes and embedded: nothing lost, nothing twice. */
import { expect, test } from 'vitest'
import { type CampaignResult, campaign, type Fault } from '../campaign.ts'
import { seedFromEnvironment } from '../random.ts'

const seed = seedFromEnvironment()
const kill = (service: string): Fault => ({ service, kind: 'kill' })
const progress = (line: string) => void process.stderr.write(`${line}\n`)

function expectClean(result: CampaignResult): void {
  expect(result.anomalies.slice(0, 10)).toEqual([])
  // A green run that met nothing would mean nothing.
  expect(result.counts.acknowledged).toBeGreaterThan(result.counts.published * 0.5)
  expect(result.counts.delivered).toBeGreaterThan(result.counts.acknowledged)
  expect(result.quietMs).toBeLessThan(30_000)
}

test.skipIf(process.env.ROOMLOG_TEST_KAFKA === 'off')(
  `six processes on Kafka: acl, persistence, ingest and edge are killed under load (seed ${seed})`,
  async () => {
    const faults = ['acl-1', 'persistence', 'edge-1', 'ingest', 'acl-2'].map(kill)
    expectClean(await campaign({ shape: 'cluster', seed, faults, rate: 200, rooms: 20, spacingMs: [1_000, 3_000], progress }))
  },
)

test(`embedded: the one process is killed under load (seed ${seed})`, async () => {
  expectClean(
    await campaign({
      shape: 'embedded',
      seed,
      faults: [kill('roomlog'), kill('roomlog')],
      rate: 200,
      rooms: 20,
      spacingMs: [1_000, 3_000],
      progress,
    }),
  )
})
