import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globMatches } from './filter.js'

describe('the globs of a filter', () => {
  it('match as a regular expression would', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
    fc.assert(
      fc.property(piece, piece, (pattern, text) => {
        const form = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's')
        expect(globMatches(pattern, text)).toBe(form.test(text))
      }),
      { seed: 1, numRuns: 5_000 },
    )
  })

  it('take no longer for a pattern that was made to take long', () => {
    const from = performance.now()
    expect(globMatches(`${'*a'.repeat(100)}b`, 'a'.repeat(255))).toBe(false)
    expect(performance.now() - from).toBeLessThan(100)
  })
})
