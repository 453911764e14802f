import { expect, it } from 'vitest'
import { Committer, commitPaceMs } from './committer.js'
import type { Slice } from './slice.js'

const slice = (events: number) => ({ events: Array.from({ length: events }) }) as unknown as Slice

async function gaps(eventsEach: number): Promise<number[]> {
  const begun: number[] = []
  const committer = new Committer({
    store: async (slices) => {
      begun.push(performance.now())
      return new Set(slices)
    },
  })
  for (let i = 0; i < 4; i++) expect(await committer.add(slice(eventsEach))).toBe('stored')
  return begun.slice(1).map((at, i) => at - begun[i]!)
}

it('keeps small transactions apart', async () => {
  // A timer may fire a millisecond early.
  for (const gap of await gaps(1)) expect(gap).toBeGreaterThanOrEqual(commitPaceMs - 2)
})

it('lets large ones follow each other at once', async () => {
  expect(Math.min(...(await gaps(600)))).toBeLessThan(commitPaceMs - 2)
})
