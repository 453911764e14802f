import { describe, expect, it } from 'vitest'
import { Counter, RateLimiter } from './limits.js'

describe('a rate limiter', () => {
  it('allows a burst, then the rate, and says how long to wait', () => {
    let now = 0
    const limiter = new RateLimiter({ perSecond: 10, burst: 3 }, () => now)
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 0])
    expect(limiter.take('a')).toBe(100)
    expect(limiter.take('b')).toBe(0)
    now = 99
    expect(limiter.take('a')).toBe(1)
    now = 100
    expect(limiter.take('a')).toBe(0)
    now = 1_000_000
    expect([limiter.take('a', 3), limiter.take('a')]).toEqual([0, 100])
  })

  it('neither frees nor starves when its clock goes back', () => {
    let now = 1_000
    const limiter = new RateLimiter({ perSecond: 10, burst: 1 }, () => now)
    expect(limiter.take('a')).toBe(0)
    now = 0
    expect(limiter.take('a')).toBe(100)
    now = 100
    expect(limiter.take('a')).toBe(0)
  })

  it('takes what costs more than a burst from a full bucket', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 10 }, () => 0)
    expect(limiter.take('a', 100)).toBe(0)
    expect(limiter.take('a')).toBeGreaterThan(0)
    limiter.give('a', 1)
    expect(limiter.take('a')).toBe(0)
  })

  it('forgets the key that was idle longest beyond its bound', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, () => 0, 2)
    for (const key of ['a', 'b', 'a', 'c']) limiter.take(key)
    expect(limiter.size).toBe(2)
    expect(limiter.take('a')).toBeGreaterThan(0)
  })
})

describe('a counter', () => {
  it('lets in at most so many, and again when one has left', () => {
    const counter = new Counter(1)
    expect([counter.enter('a'), counter.enter('a'), counter.enter('b')]).toEqual([true, false, true])
    counter.leave('a')
    expect([counter.count('a'), counter.enter('a')]).toEqual([0, true])
  })
})
