import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { historyModes } from './room-state.js'
import { type AccessFacts, AccessTimeline } from './visibility.js'
import { why } from './why.js'

const facts = (more: Partial<AccessFacts>): AccessFacts => ({
  room: 'r',
  seq: 20,
  history: [[1, 'shared']],
  membership: [],
  access: 'limited',
  deleted: false,
  ...more,
})

describe('why somebody sees an event, or not', () => {
  it('names the rule and the event that decides', () => {
    expect(why(facts({}), 'bob', 5)).toEqual({ sees: false, rule: 'history is shared among members, and they never were one' })
    const left: AccessFacts['membership'] = [
      [4, 'joined'],
      [9, 'left'],
    ]
    expect(why(facts({ membership: left }), 'bob', 2)).toMatchObject({ sees: true, by: 4 })
    expect(why(facts({ membership: left }), 'bob', 9)).toMatchObject({ sees: true, by: 4 })
    expect(why(facts({ membership: left }), 'bob', 10)).toMatchObject({ sees: false, by: 9 })
    expect(why(facts({ membership: left, history: [[1, 'joined']] }), 'bob', 2)).toEqual({
      sees: false,
      rule: 'history is joined, and they were no member then',
    })
    expect(why(facts({ history: [[3, 'world']] }), 'bob', 8)).toMatchObject({ sees: true, by: 3 })
    expect(why(facts({ history: [[1, 'invited']], membership: [[6, 'invited']] }), 'bob', 7)).toMatchObject({ sees: true, by: 6 })
    expect(why(facts({ deleted: true, membership: left }), 'bob', 5)).toMatchObject({ sees: false, by: 20 })
    expect(why(facts({ room: '@bob' }), 'bob', 1).sees).toBe(true)
    expect(why(facts({ room: '@ann' }), 'bob', 1).sees).toBe(false)
  })

  it('is what the timeline answers', () => {
    const changes = <T extends string>(...values: readonly T[]) =>
      fc
        .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom(...values)), { selector: ([seq]) => seq, maxLength: 6 })
        .map((list) => list.sort(([a], [b]) => a - b) as [number, string][])
    const membership = changes('joined', 'left', 'invited', 'banned', 'knocking')
    fc.assert(
      fc.property(changes(...historyModes), membership, fc.boolean(), fc.integer({ min: 1, max: 20 }), (history, is, deleted, seq) => {
        const of = facts({ history, membership: is, deleted })
        expect(why(of, 'bob', seq).sees).toBe(new AccessTimeline(of, { user: 'bob' }).maySee(seq))
      }),
      { numRuns: 1_000 },
    )
  })
})
