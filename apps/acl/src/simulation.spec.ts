import { describe, expect, it } from 'vitest'
import { Judge } from './testing/judge.js'
import { Simulation } from './testing/simulation.js'

const faults = { lost: 0.01, answerLost: 0.02, late: 0.01, twice: 0.01, readFails: 0.005 }
const seeds = Number(process.env['ACL_SEEDS'] ?? 12)
const first = Number(process.env['ACL_SEED'] ?? 1)

describe('the authority, simulated', () => {
  it('keeps every promise through crashes, pauses, doubles and lost answers', async () => {
    const met = new Map<string, number>()
    const add = (counts: Iterable<[string, number]>) => {
      for (const [what, count] of counts) met.set(what, (met.get(what) ?? 0) + count)
    }
    for (let seed = first; seed < first + seeds; seed++) {
      const simulation = new Simulation({ seed, faults })
      try {
        await simulation.run()
        await new Judge(simulation).all()
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
      add(simulation.met)
      add(simulation.figures.counts)
      add(simulation.broker.counts)
    }
    console.log(
      [...met]
        .sort()
        .map(([a, b]) => `${a}=${b}`)
        .join('\n'),
    )
    expect(met.get('kill')).toBeGreaterThan(0)
  }, 120_000)
})
