import { expect, it, onTestFinished } from 'vitest'
import { checksum } from './checksum.js'
import { seal } from './record.js'
import type { Stage } from './stage.contract.js'

export function readContract(stage: Stage): void {
  it('reads from any offset to the end, and nothing at the end', async () => {
    const partition = stage.fresh()
    await stage.log.append(
      'room.events',
      partition,
      0,
      Array.from({ length: 10 }, (_, index) => ({ key: 'r', value: String(index) })),
    )
    const middle = await stage.log.read('room.events', partition, 7)
    expect(middle.records.map((record) => record.offset)).toEqual([7, 8, 9])
    expect(middle).toMatchObject({ next: 10, end: 10, voids: 0 })
    expect(await stage.log.read('room.events', partition, 10)).toMatchObject({ records: [], next: 10, end: 10 })
    expect(await stage.log.range('room.events', partition)).toEqual({ start: 0, end: 10 })
  })

  it('reads in pages bounded by bytes, with at least one record each', async () => {
    const partition = stage.fresh()
    const value = 'x'.repeat(10_000)
    for (let index = 0; index < 20; index++) await stage.log.append('room.events', partition, index, [{ key: 'r', value }])
    const seen: number[] = []
    let pages = 0
    for (let from = 0; from < 20; pages++) {
      const batch = await stage.log.read('room.events', partition, from, { bytesMax: 50_000 })
      expect(batch.next).toBeGreaterThan(from)
      seen.push(...batch.records.map((record) => record.offset))
      from = batch.next
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(pages).toBeGreaterThan(2)
    expect((await stage.log.read('room.events', partition, 3, { bytesMax: 1 })).records[0]!.offset).toBe(3)
  })

  it('says out_of_range beyond the end, in an empty partition too', async () => {
    const partition = stage.fresh()
    const outOfRange = expect.objectContaining({ code: 'out_of_range' })
    await expect(stage.log.read('room.events', partition, 1)).rejects.toEqual(outOfRange)
    await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'x' }])
    await expect(stage.log.read('room.events', partition, 2)).rejects.toEqual(outOfRange)
    expect((await stage.log.read('room.events', partition, 1)).records).toEqual([])
  })

  it('passes over void records, counts them and moves past them', async () => {
    const partition = stage.fresh()
    await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'good' }])
    await stage.place.plant('room.events', partition, [
      seal({ key: 'r', value: 'meant for 0' }, 0),
      seal({ key: 'r', value: 'without an offset' }),
      { key: 'r', value: Buffer.from('of a foreign producer'), headers: {} },
      seal({ key: 'r', value: 'meant for 9' }, 9),
    ])
    await stage.log.append('room.events', partition, 5, [{ key: 'r', value: 'good too' }])
    const batch = await stage.log.read('room.events', partition, 0)
    expect(batch.records.map((record) => [record.offset, record.value!.toString()])).toEqual([
      [0, 'good'],
      [5, 'good too'],
    ])
    expect(batch).toMatchObject({ next: 6, end: 6, voids: 4 })
    expect(stage.log.stats().voids).toBeGreaterThanOrEqual(4)
    expect((await stage.log.read('room.events', partition, 1, { bytesMax: 1 })).next).toBeGreaterThan(1)
  })

  it('stops at a damaged record, valid or void, and never passes over it', async () => {
    for (const harm of [{ headers: { offset: '1' } }, { headers: { offset: '7' } }, { value: Buffer.from('changed') }, { key: 'other' }]) {
      const partition = stage.fresh()
      await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'good' }])
      const sealed = seal({ key: 'r', value: 'second', headers: { v: '1' } }, harm.headers ? 3 : 1)
      await stage.place.plant('room.events', partition, [{ ...sealed, ...harm, headers: { ...sealed.headers, ...harm.headers } }])
      const before = await stage.log.read('room.events', partition, 0)
      expect(before.records.map((record) => record.offset)).toEqual([0])
      expect(before.next).toBe(1)
      await expect(stage.log.read('room.events', partition, 1)).rejects.toEqual(
        expect.objectContaining({ code: 'damaged', retriable: false }),
      )
    }
  })

  it('verifies the checksum in topics of commands and takes records without one, as foreign producers write them', async () => {
    const partition = stage.fresh()
    await stage.place.plant('room.commands', partition, [{ key: 'r', value: Buffer.from('plain'), headers: { a: 'b' } }])
    expect((await stage.log.read('room.commands', partition, 0)).records[0]!.value!.toString()).toBe('plain')
    await stage.place.plant('room.commands', partition, [
      { key: 'r', value: Buffer.from('y'), headers: { sum: checksum('r', Buffer.from('x'), {}) } },
    ])
    await expect(stage.log.read('room.commands', partition, 1)).rejects.toEqual(expect.objectContaining({ code: 'damaged' }))
  })

  it('shows what one handle wrote to every other', async () => {
    const partition = stage.fresh()
    const other = await stage.place.open()
    onTestFinished(() => other.close())
    await stage.log.produce('room.commands', partition, [{ key: 'r', value: 'seen' }])
    expect((await other.read('room.commands', partition, 0)).records.map((record) => record.value!.toString())).toEqual(['seen'])
  })

  it('counts the bytes it reads, per partition', async () => {
    const partition = stage.fresh()
    await stage.log.produce('room.commands', partition, [{ key: 'r', value: 'x'.repeat(1_000) }])
    await stage.log.read('room.commands', partition, 0)
    expect(stage.log.stats().fetchedBytes[`room.commands/${partition}`]).toBeGreaterThanOrEqual(1_000)
  })
}
