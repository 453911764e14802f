import { closeCodes, comeBack as protocolComeBack } from '@roomlog/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comeBack, fullJitterMs } from './backoff.js'

test('close codes mean the same here and in the protocol', () => {
  for (const code of [...Object.keys(closeCodes).map(Number), 1000, 1006, 3999, 4099, 4300])
    expect(comeBack(code)).toBe(protocolComeBack(code))
})

test('a delay is never above its bound, and its bound never above the highest', () => {
  const times = { backOffMin: 250, backOffMax: 30_000 }
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const delay = fullJitterMs(attempt, times, () => random)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThan(Math.min(30_000, 250 * 2 ** attempt))
    }),
  )
})
