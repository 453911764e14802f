import { expect, it, onTestFinished, vi } from 'vitest'
import type { Batch } from './port.js'
import type { Stage } from './stage.contract.js'

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 15_000, interval: 5 })

/** A tail that remembers what it was given. */
function follow(stage: Stage, topic: string, partition: number, from: number) {
  const batches: Batch[] = []
  const failures: Error[] = []
  const tail = stage.log.tail(topic, partition, from, (batch) => void batches.push(batch), { onFailure: (error) => failures.push(error) })
  onTestFinished(() => tail.stop())
  const offsets = () => batches.flatMap((batch) => batch.records.map((record) => record.offset))
  return { tail, batches, failures, offsets }
}

const count = (end: number, start = 0) => Array.from({ length: end - start }, (_, index) => start + index)

export function tailContract(stage: Stage): void {
  const fill = async (partition: number, records: number) => {
    const { end } = await stage.log.range('room.commands', partition)
    await stage.log.produce(
      'room.commands',
      partition,
      count(records).map((index) => ({ key: 'r', value: String(end + index) })),
    )
  }

  it('follows from an offset through the past into the present, without gap or repeat', async () => {
    const partition = stage.fresh()
    await fill(partition, 20)
    const { offsets } = follow(stage, 'room.commands', partition, 5)
    for (let index = 0; index < 10; index++) await fill(partition, 3)
    await until(() => expect(offsets()).toEqual(count(50, 5)))
  })

  it('says once, with an empty batch, that the end is reached', async () => {
    const partition = stage.fresh()
    const { batches } = follow(stage, 'room.commands', partition, 0)
    await until(() => expect(batches).toHaveLength(1))
    expect(batches[0]).toMatchObject({ topic: 'room.commands', partition, records: [], next: 0, end: 0, voids: 0 })
    await fill(partition, 2)
    await until(() => expect(batches.at(-1)!.next).toBe(2))
    expect(batches.filter((batch) => batch.records.length === 0)).toHaveLength(1)
  })

  it('waits for onBatch before it gives the next batch of that partition, and does not hold up others', async () => {
    const [slow, quick] = [stage.fresh(), stage.fresh()]
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let running = 0
    const seen: number[] = []
    const tail = stage.log.tail('room.commands', slow, 0, async (batch) => {
      expect(++running).toBe(1)
      await held
      seen.push(...batch.records.map((record) => record.offset))
      running--
    })
    onTestFinished(() => tail.stop())
    const other = follow(stage, 'room.commands', quick, 0)
    for (let index = 0; index < 5; index++) {
      await fill(slow, 1)
      await fill(quick, 1)
    }
    await until(() => expect(other.offsets()).toEqual(count(5)))
    expect(seen).toEqual([])
    release()
    await until(() => expect(seen).toEqual(count(5)))
  })

  it('gives nothing after stop', async () => {
    const partition = stage.fresh()
    const { tail, batches } = follow(stage, 'room.commands', partition, 0)
    await until(() => expect(batches).toHaveLength(1))
    await tail.stop()
    await fill(partition, 1)
    const other = follow(stage, 'room.commands', partition, 0)
    await until(() => expect(other.offsets()).toEqual([0]))
    expect(batches).toHaveLength(1)
    expect(await tail.ended).toBeUndefined()
  })

  it('stops and tells where onBatch throws', async () => {
    const partition = stage.fresh()
    const failures: Error[] = []
    const tail = stage.log.tail(
      'room.commands',
      partition,
      0,
      () => {
        throw new Error('planted')
      },
      { onFailure: (error) => failures.push(error) },
    )
    expect(await tail.ended).toMatchObject({ message: 'planted' })
    expect(failures).toMatchObject([{ message: 'planted' }])
  })

  it('ends with out_of_range beyond the end: it is never waited for', async () => {
    const { tail, failures, batches } = follow(stage, 'room.commands', stage.fresh(), 5)
    expect(await tail.ended).toMatchObject({ code: 'out_of_range' })
    expect(failures).toMatchObject([{ code: 'out_of_range' }])
    expect(batches).toEqual([])
  })

  it('gives what stands before a damaged record, then ends', async () => {
    const partition = stage.fresh()
    await fill(partition, 2)
    await stage.place.plant('room.commands', partition, [{ key: 'r', value: Buffer.from('x'), headers: { sum: '00000000' } }])
    await fill(partition, 1)
    const { tail, failures, offsets } = follow(stage, 'room.commands', partition, 0)
    expect(await tail.ended).toMatchObject({ code: 'damaged' })
    expect(failures).toMatchObject([{ code: 'damaged' }])
    expect(offsets()).toEqual([0, 1])
  })

  it('moves past void records and says how many', async () => {
    const partition = stage.fresh()
    const { batches, offsets } = follow(stage, 'room.events', partition, 0)
    await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'good' }])
    await stage.place.plant('room.events', partition, [{ key: 'r', value: Buffer.from('foreign'), headers: {} }])
    await until(() => expect(batches.at(-1)!.next).toBe(2))
    await stage.log.append('room.events', partition, 2, [{ key: 'r', value: 'good too' }])
    await until(() => expect(offsets()).toEqual([0, 2]))
    expect(batches.reduce((sum, batch) => sum + batch.voids, 0)).toBe(1)
  })

  it('takes tails on and off while others run, several on one partition too', async () => {
    const all = count(20).map(() => stage.fresh())
    const [standing] = [follow(stage, 'room.replies', all[0]!, 0)]
    const { end } = await stage.log.range('room.replies', all[0]!)
    const produce = (partition: number) => stage.log.produce('room.replies', partition, [{ key: 'r', value: 'x' }])
    for (const partition of all) {
      const from = (await stage.log.range('room.replies', partition)).end
      const passing = follow(stage, 'room.replies', partition, from)
      await produce(partition)
      await produce(all[0]!)
      await until(() => expect(passing.offsets()[0]).toBe(from))
      await passing.tail.stop()
    }
    await until(() => expect(standing.offsets().length).toBe(end + all.length + 1))
  })

  it('delivers within a bound that a person does not notice', async () => {
    const partition = stage.fresh()
    const { batches, offsets } = follow(stage, 'room.replies', partition, (await stage.log.range('room.replies', partition)).end)
    await until(() => expect(batches.length).toBeGreaterThan(0))
    const latencies: number[] = []
    for (let index = 0; index < 30; index++) {
      const began = performance.now()
      const { baseOffset } = await stage.log.produce('room.replies', partition, [{ key: 'r', value: 'x' }])
      while (offsets().at(-1) !== baseOffset) await new Promise((resolve) => setImmediate(resolve))
      latencies.push(performance.now() - began)
    }
    expect(latencies.sort((a, b) => a - b)[15]).toBeLessThan(100)
  })

  it('is closed with its handle', async () => {
    const log = await stage.place.open()
    const partition = stage.fresh()
    const tail = log.tail('room.commands', partition, 0, () => {})
    await log.close()
    expect(await tail.ended).toBeUndefined()
    await expect(log.range('room.commands', partition)).rejects.toEqual(expect.objectContaining({ code: 'unavailable', retriable: false }))
    await fill(partition, 1)
  })
}
