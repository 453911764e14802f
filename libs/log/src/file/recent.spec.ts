import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../port.js'
import { Recent, RecentBudget } from './recent.js'

const records = (base: number, count: number): LogRecord[] =>
  Array.from({ length: count }, (_, index) => ({ offset: base + index, key: 'k', value: Buffer.from('v'), headers: {}, time: 0 }))

describe('recent records', () => {
  it('are read from any offset on, and not from the end on', () => {
    const recent = new Recent(new RecentBudget(1_000), () => 0)
    recent.add(records(0, 3), 6)
    recent.add(records(3, 2), 4)
    const offsets = (from: number, end: number, bytesMax = 100) => recent.read(from, end, bytesMax)?.records.map(({ offset }) => offset)
    expect(offsets(0, 5)).toEqual([0, 1, 2, 3, 4])
    expect(offsets(2, 4)).toEqual([2, 3])
    expect(offsets(1, 5, 2)).toEqual([1])
    expect(recent.read(1, 5, 2)?.next).toBe(2)
    expect(offsets(5, 5)).toBeUndefined()
  })

  it('leave oldest first, over all partitions, and only once they are on disk', () => {
    const budget = new RecentBudget(10)
    let saved = 0
    const first = new Recent(budget, () => saved)
    const second = new Recent(budget, () => 100)
    first.add(records(0, 1), 8)
    second.add(records(0, 1), 8)
    budget.trim()
    expect(first.read(0, 1, 100)).toBeDefined()
    saved = 1
    budget.trim()
    expect(first.read(0, 1, 100)).toBeUndefined()
    expect(second.read(0, 1, 100)).toBeDefined()
  })

  it('are gone where their write failed, or where the disk holds something else', () => {
    const budget = new RecentBudget(10)
    const recent = new Recent(budget, () => 1)
    recent.add(records(0, 1), 2)
    recent.add(records(1, 1), 2)
    recent.add(records(2, 1), 2)
    recent.undo(2)
    expect(recent.read(2, 3, 100)).toBeUndefined()
    recent.forget()
    expect(recent.read(0, 3, 100)).toBeUndefined()
    expect(recent.read(1, 3, 100)?.records).toHaveLength(1)
  })
})
