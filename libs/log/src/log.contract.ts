/**
 * What every implementation of the log port guarantees. Run by each of them with its own `place`.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { claimContract } from './claim.contract.js'
import type { Log } from './port.js'
import { readContract } from './read.contract.js'
import { type Place, partitions, type Stage, specs } from './stage.contract.js'
import { tailContract } from './tail.contract.js'
import { trimContract } from './trim.contract.js'

export function logContract(name: string, create: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place
    let log: Log
    let next = 0
    const stage: Stage = {
      get log() {
        return log
      },
      get place() {
        return place
      },
      fresh: () => next++ % partitions,
    }

    beforeAll(async () => {
      place = await create()
      log = await place.open()
      await log.prepare(specs, 'relaxed')
    })
    afterAll(async () => {
      await log?.close()
      await place?.remove()
    })

    appendContract(stage)
    readContract(stage)
    tailContract(stage)
    claimContract(stage)
    trimContract(stage)
  })
}

function appendContract(stage: Stage): void {
  const texts = async (partition: number) =>
    (await stage.log.read('room.events', partition, 0)).records.map((record) => record.value?.toString())

  it('appends where the end is as expected and refuses elsewhere', async () => {
    const partition = stage.fresh()
    expect(await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'a' }])).toEqual({ appended: true, baseOffset: 0 })
    expect(await stage.log.append('room.events', partition, 1, [{ key: 'r', value: 'b' }])).toEqual({ appended: true, baseOffset: 1 })
    expect(await stage.log.append('room.events', partition, 1, [{ key: 'r', value: 'late' }])).toEqual({ appended: false })
    expect(await stage.log.append('room.events', partition, 99, [{ key: 'r', value: 'early' }])).toEqual({ appended: false })
    expect(await texts(partition)).toEqual(['a', 'b'])
  })

  it('appends a batch as a whole, in order, at dense offsets', async () => {
    const partition = stage.fresh()
    const drafts = Array.from({ length: 500 }, (_, index) => ({ key: `k${index}`, value: `v${index}` }))
    expect(await stage.log.append('room.events', partition, 0, drafts)).toEqual({ appended: true, baseOffset: 0 })
    const { records } = await stage.log.read('room.events', partition, 0)
    expect(records.map((record) => record.offset)).toEqual(drafts.map((_, index) => index))
    expect(records.map((record) => record.headers['offset'])).toEqual(drafts.map((_, index) => String(index)))
    expect(records.map((record) => record.key)).toEqual(drafts.map((draft) => draft.key))
  })

  it('lets exactly one of several concurrent appenders win', async () => {
    const partition = stage.fresh()
    const rival = await stage.place.open()
    onTestFinished(() => rival.close())
    await rival.prepare(specs, 'relaxed')
    for (let round = 0; round < 5; round++) {
      const { end } = await stage.log.range('room.events', partition)
      const outcomes = await Promise.all(
        [stage.log, rival, stage.log, rival].map((log, index) =>
          log.append('room.events', partition, end, [{ key: 'r', value: `${round}.${index}` }]),
        ),
      )
      expect(outcomes.filter((outcome) => outcome.appended)).toHaveLength(1)
    }
    expect(await texts(partition)).toHaveLength(5)
  })

  it('tells a writer with old knowledge of a conflict, and keeps what it wrote from every reader', async () => {
    const partition = stage.fresh()
    const paused = await stage.place.open()
    onTestFinished(() => paused.close())
    await paused.prepare(specs, 'relaxed')
    await stage.log.append('room.events', partition, 0, [{ key: 'r', value: 'first' }])
    expect(
      await paused.append('room.events', partition, 0, [
        { key: 'r', value: 'paused' },
        { key: 'r', value: 'paused too' },
      ]),
    ).toEqual({ appended: false })
    const { end } = await stage.log.range('room.events', partition)
    expect((await stage.log.append('room.events', partition, end, [{ key: 'r', value: 'second' }])).appended).toBe(true)
    expect(await texts(partition)).toEqual(['first', 'second'])
  })

  it('refuses what is no single batch: none, too many bytes, the wrong kind of topic', async () => {
    const partition = stage.fresh()
    const invalid = expect.objectContaining({ code: 'invalid' })
    await expect(stage.log.append('room.events', partition, 0, [])).rejects.toEqual(invalid)
    await expect(stage.log.append('room.events', partition, 0, [{ key: null, value: Buffer.alloc(1_000_001) }])).rejects.toEqual(invalid)
    await expect(stage.log.append('room.commands', partition, 0, [{ key: null, value: 'x' }])).rejects.toEqual(invalid)
    await expect(stage.log.produce('room.events', partition, [{ key: null, value: 'x' }])).rejects.toEqual(invalid)
    await expect(stage.log.append('room.events', 64, 0, [{ key: null, value: 'x' }])).rejects.toEqual(invalid)
    expect(await stage.log.range('room.events', partition)).toEqual({ start: 0, end: 0 })
  })

  it('keeps the order of what is produced, also without waiting', async () => {
    const partition = stage.fresh()
    const produced = await Promise.all(
      Array.from({ length: 200 }, (_, index) => stage.log.produce('room.commands', partition, [{ key: 'r', value: String(index) }])),
    )
    expect(produced.map(({ baseOffset }) => baseOffset)).toEqual(Array.from({ length: 200 }, (_, index) => index))
    const { records } = await stage.log.read('room.commands', partition, 0)
    expect(records.map((record) => record.value!.toString())).toEqual(Array.from({ length: 200 }, (_, index) => String(index)))
  })

  it('keeps keys, values, headers, tombstones and a time', async () => {
    const partition = stage.fresh()
    const before = Date.now() - 1_000
    await stage.log.produce('room.replies', partition, [
      { key: 'raum-äöü-日本', value: Buffer.from([0, 255, 1]), headers: { v: '1', sender: 'ä日' } },
      { key: 'gone', value: null },
      { key: null, value: '' },
    ])
    const { records } = await stage.log.read('room.replies', partition, 0)
    expect(records.map(({ key, value }) => [key, value?.toString('hex') ?? null])).toEqual([
      ['raum-äöü-日本', '00ff01'],
      ['gone', null],
      [null, ''],
    ])
    expect(records[0]!.headers).toMatchObject({ v: '1', sender: 'ä日', sum: expect.stringMatching(/^[0-9a-f]{8}$/) })
    for (const { time } of records) expect(time).toBeGreaterThan(before)
    for (const { time } of records) expect(time).toBeLessThanOrEqual(Date.now() + 1_000)
  })

  it('gives the records of an append topic a time that never goes back', async () => {
    const partition = stage.fresh()
    for (let index = 0; index < 3; index++) await stage.log.produce('room.commands', partition, [{ key: 'r', value: 'x' }])
    const times = (await stage.log.read('room.commands', partition, 0)).records.map((record) => record.time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  it('names a topic by an ID that is equal for everybody and differs between topics', async () => {
    const other = await stage.place.open()
    onTestFinished(() => other.close())
    expect(await other.topicId('room.events')).toBe(await stage.log.topicId('room.events'))
    expect(await stage.log.topicId('room.commands')).not.toBe(await stage.log.topicId('room.events'))
  })

  it('says of a topic that does not exist that it is unavailable', async () => {
    await expect(stage.log.range('room.nowhere', 0)).rejects.toEqual(expect.objectContaining({ code: 'unavailable' }))
  })

  it('creates nothing twice', async () => {
    expect((await stage.log.prepare(specs, 'relaxed')).created).toEqual([])
  })
}
