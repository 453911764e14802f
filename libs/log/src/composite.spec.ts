import { describe, expect, it } from 'vitest'
import { type CompositePosition, compositePosition, parseComposite } from './composite.js'

const composite: CompositePosition = {
  inbox: 'abcdefgh.3.7.2.hgfedcba',
  partitions: [
    [0, 'abcdefgh', 12],
    [5, 'hgfedcba', 0],
  ],
  behind: [['röom', 4]],
}

describe('a composite position', () => {
  it('is read as it was written, and is not taken for an event position', () => {
    const text = compositePosition(composite)
    expect(parseComposite(text)).toEqual(composite)
    expect(text).toMatch(/^s1\.[A-Za-z0-9_-]+$/)
  })

  it('is refused where it is not one', () => {
    const of = (value: unknown) => `s1.${Buffer.from(JSON.stringify(value)).toString('base64url')}`
    for (const text of [
      '',
      's1.',
      's1.x',
      composite.inbox,
      of(null),
      of(['x', [], []]),
      of([composite.inbox, [[-1, 'e', 0]], []]),
      of([composite.inbox, [], [['r', 1.5]]]),
    ]) {
      expect(parseComposite(text)).toBeUndefined()
    }
  })
})
