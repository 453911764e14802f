import { describe, expect, it, vi } from 'vitest'
import { batchRecordsMax, Lane, laneRecordsMax } from './lane.js'

const item = (n: number, bytes = 1) => ({ n, bytes })
/** A write that is held until it is let go. */
function held() {
  const batches: number[][] = []
  const letGo: (() => void)[] = []
  const lane = new Lane<{ n: number; bytes: number }>((batch) => {
    batches.push(batch.map(({ n }) => n))
    return new Promise((resolve) => letGo.push(resolve))
  })
  const next = () => vi.waitFor(() => letGo.shift()!())
  return { lane, batches, next }
}

describe('a lane', () => {
  it('writes in order, one batch at a time, what gathered in the meantime together', async () => {
    const { lane, batches, next } = held()
    for (let n = 0; n < 5; n++) await lane.add(item(n))
    expect(batches).toEqual([[0]])
    await next()
    await vi.waitFor(() => expect(batches).toEqual([[0], [1, 2, 3, 4]]))
    await next()
    await lane.idle()
    await lane.add(item(5))
    expect(batches.at(-1)).toEqual([5])
    await next()
  })

  it('holds back whoever adds beyond its bound, who says meanwhile that it is alive', async () => {
    const { lane, batches, next } = held()
    for (let n = 0; n <= laneRecordsMax; n++) await lane.add(item(n))
    const alive = vi.fn(async () => {})
    let added = false
    const waiting = lane.add(item(-1), alive).then(() => (added = true))
    await vi.waitFor(() => expect(alive).toHaveBeenCalled(), { timeout: 3_000 })
    expect(added).toBe(false)
    await next()
    await waiting
    expect(batches[1]).toHaveLength(batchRecordsMax)
  })

  it('bounds a batch by bytes, with at least one item', async () => {
    const { lane, batches, next } = held()
    for (const [n, bytes] of [1, 700_000, 1, 1].entries()) await lane.add(item(n, bytes))
    await next()
    await vi.waitFor(() => expect(batches[1]).toEqual([1]))
    await next()
    await vi.waitFor(() => expect(batches[2]).toEqual([2, 3]))
  })

  it('takes nothing more once its writer gave up', async () => {
    const lane = new Lane(() => Promise.reject(new Error('gave up')))
    await lane.add(item(1))
    await lane.idle()
    await expect(lane.add(item(2))).rejects.toThrow('gave up')
  })
})
