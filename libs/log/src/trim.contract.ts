import { expect, it } from 'vitest'
import type { Stage } from './stage.contract.js'

export function trimContract(stage: Stage): void {
  const drafts = (count: number) => Array.from({ length: count }, (_, index) => ({ key: 'r', value: `v${index}` }))
  const outOfRange = expect.objectContaining({ code: 'out_of_range' })

  it('forgets what stands below, and keeps every offset', async () => {
    const partition = stage.fresh()
    await stage.log.append('room.events', partition, 0, drafts(10))
    expect(await stage.log.trim('room.events', partition, 4)).toEqual({ start: 4 })
    expect(await stage.log.range('room.events', partition)).toEqual({ start: 4, end: 10 })
    await expect(stage.log.read('room.events', partition, 3)).rejects.toEqual(outOfRange)
    const { records } = await stage.log.read('room.events', partition, 4)
    expect(records.map(({ offset, value }) => [offset, value!.toString()])).toEqual([4, 5, 6, 7, 8, 9].map((n) => [n, `v${n}`]))
    expect((await stage.log.read('room.events', partition, 7)).records[0]!.offset).toBe(7)
    expect(await stage.log.append('room.events', partition, 9, drafts(1))).toEqual({ appended: false })
  })

  it('forgets everything if told to, and goes on at the same offset', async () => {
    const partition = stage.fresh()
    await stage.log.append('room.events', partition, 0, drafts(5))
    expect(await stage.log.trim('room.events', partition, 5)).toEqual({ start: 5 })
    expect(await stage.log.read('room.events', partition, 5)).toMatchObject({ records: [], next: 5, end: 5 })
    expect(await stage.log.append('room.events', partition, 5, drafts(2))).toEqual({ appended: true, baseOffset: 5 })
    expect((await stage.log.read('room.events', partition, 5)).records.map(({ offset }) => offset)).toEqual([5, 6])
  })

  it('never moves the start back, nor beyond the end', async () => {
    const partition = stage.fresh()
    await stage.log.append('room.events', partition, 0, drafts(6))
    await stage.log.trim('room.events', partition, 3)
    expect(await stage.log.trim('room.events', partition, 1)).toEqual({ start: 3 })
    await expect(stage.log.trim('room.events', partition, 7)).rejects.toEqual(outOfRange)
    expect(await stage.log.range('room.events', partition)).toEqual({ start: 3, end: 6 })
  })

  it('leaves topics alone that forget by themselves', async () => {
    const partition = stage.fresh()
    await stage.log.produce('room.state', partition, drafts(3))
    await expect(stage.log.trim('room.state', partition, 1)).rejects.toEqual(expect.objectContaining({ code: 'invalid' }))
  })
}
