import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Principal } from './principal.js'
import { Revocations, type RevocationsPage } from './revocations.js'

const phone: Principal = { user: 'ann', device: 'phone', issuedAt: 5_000, expiresAt: 1e15, scopes: [], grants: [], teams: [] }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('signed-out devices', () => {
  it('are known within a second, page by page, and only tokens from before are refused', async () => {
    const pages: RevocationsPage[] = [
      { revocations: [], next: 0, more: false },
      { revocations: [['ann', 'phone', 5_500]], next: 7, more: true },
      { revocations: [['bob', 'phone', 9_000]], next: 8, more: false },
    ]
    const asked: number[] = []
    const revocations = new Revocations({
      fetch: async (after) => {
        asked.push(after)
        return pages.shift() ?? { revocations: [], next: after, more: false }
      },
      onFailure: () => undefined,
    })
    revocations.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(revocations.has(phone)).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(revocations.has(phone)).toBe(true)
    expect(revocations.has({ ...phone, issuedAt: undefined })).toBe(true)
    expect(revocations.has({ ...phone, issuedAt: 6_000 })).toBe(false)
    expect(revocations.has({ ...phone, device: 'laptop' })).toBe(false)
    expect(revocations.has({ ...phone, anonymous: true })).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toEqual([0, 0, 7, 8])
    revocations.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asked).toHaveLength(4)
  })

  it('stay known while the list cannot be had, which is said once', async () => {
    let fails = false
    const failures: string[] = []
    const revocations = new Revocations({
      fetch: async () => {
        if (fails) throw new Error('down')
        return { revocations: [['ann', 'phone', 5_500]], next: 1, more: false }
      },
      onFailure: (error) => failures.push(error.message),
    })
    revocations.start()
    await vi.advanceTimersByTimeAsync(0)
    fails = true
    await vi.advanceTimersByTimeAsync(5_000)
    expect(revocations.has(phone)).toBe(true)
    expect(failures).toEqual(['down'])
    revocations.stop()
  })

  it('have a bound: the newest are kept', async () => {
    const page: [string, string, number][] = Array.from({ length: 5 }, (_, i) => [`u${i}`, 'd', 10])
    const fetch = async () => ({ revocations: page, next: 5, more: false })
    const revocations = new Revocations({ fetch, onFailure: () => undefined, devicesMax: 3 })
    revocations.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(page.map(([user]) => revocations.has({ ...phone, user, device: 'd', issuedAt: 1 }))).toEqual([false, false, true, true, true])
    revocations.stop()
  })
})
