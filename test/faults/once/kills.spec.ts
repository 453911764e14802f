/** Every service killed once with -9 under load, on Kafka as separate processes and embedded: nothing lost, nothing twice. */
import { test } from 'vitest'
import { campaign, kill } from '../campaign.ts'
import { seedFromEnvironment } from '../random.ts'
import { expectClean, progress } from './verdict.ts'

const seed = seedFromEnvironment()
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
