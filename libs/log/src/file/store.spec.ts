import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openLog } from '../open.js'
import { specs } from '../stage.contract.js'
import { lockDirectory } from './lock.js'
import { FileStore } from './store.js'

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'roomlog-file-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

it('keeps records, ends and topic IDs over a close', async () => {
  const directory = await temporary()
  const first = await openLog(`file:${directory}`, { partitions: 4 })
  await first.prepare(specs, 'strict')
  await first.append('room.events', 1, 0, [{ key: 'r', value: 'a' }])
  await first.produce('room.commands', 2, [{ key: 'r', value: 'b' }])
  const id = await first.topicId('room.events')
  await first.close()

  const second = await openLog(`file:${directory}`, { partitions: 4 })
  onTestFinished(() => second.close())
  expect((await second.prepare(specs, 'strict')).created).toEqual([])
  expect(await second.topicId('room.events')).toBe(id)
  expect((await second.read('room.events', 1, 0)).records[0]!.value!.toString()).toBe('a')
  expect(await second.append('room.events', 1, 1, [{ key: 'r', value: 'c' }])).toEqual({ appended: true, baseOffset: 1 })
  expect((await second.produce('room.commands', 2, [{ key: 'r', value: 'd' }])).baseOffset).toBe(1)
})

it('is one log for all handles of a process, and closed with the last', async () => {
  const directory = await temporary()
  const [one, two] = [await openLog(`file:${directory}`, { partitions: 2 }), await openLog(`file:${directory}/`, { partitions: 2 })]
  await one.prepare(specs, 'strict')
  await one.close()
  await two.produce('room.commands', 0, [{ key: 'r', value: 'x' }])
  await expect(lockDirectory(directory)).rejects.toThrow(/in use by process/)
  await two.close()
  await (await lockDirectory(directory))()
})

it('refuses a number of partitions that is not the one at creation', async () => {
  const directory = await temporary()
  const first = await openLog(`file:${directory}`, { partitions: 2 })
  await first.prepare(specs, 'strict')
  await first.close()
  const second = await openLog(`file:${directory}`, { partitions: 3 })
  onTestFinished(() => second.close())
  await expect(second.prepare(specs, 'strict')).rejects.toThrow(/2 partitions, 3/)
  expect((await second.inspect(specs))[0]!.findings[0]).toMatchObject({ kind: 'broken' })
})

it('lets a command be seen before it is on disk, and events only after', async () => {
  const directory = await temporary()
  const store = await FileStore.open(directory, Date.now, () => {})
  onTestFinished(() => store.close())
  for (const spec of specs) await store.create(spec, 1)
  const [events, commands] = [store.topic('room.events')!, store.topic('room.commands')!]
  const record = { key: 'r', value: Buffer.from('x'), headers: {} }
  const produced = store.write(commands, 0, [record])
  const appended = store.write(events, 0, [record], 0)
  expect(store.range(commands, 0).end).toBe(1)
  expect(store.range(events, 0).end).toBe(0)
  await Promise.all([produced, appended])
  expect(store.range(events, 0).end).toBe(1)
})

it('forgets expired replies and superseded state, and keeps every event and every end', async () => {
  const directory = await temporary()
  let now = 1_000_000
  const store = await FileStore.open(
    directory,
    () => now,
    () => {},
  )
  for (const spec of specs) await store.create(spec, 1)
  const [events, replies, state] = [store.topic('room.events')!, store.topic('room.replies')!, store.topic('room.state')!]
  const draft = (key: string) => ({ key, value: Buffer.from('x'), headers: {} })
  for (let index = 0; index < 10; index++) await store.write(events, 0, [draft('r')], index)
  await store.write(
    replies,
    0,
    Array.from({ length: 5_000 }, (_, index) => draft(String(index))),
  )
  for (let index = 0; index < 4; index++)
    await store.write(
      state,
      0,
      Array.from({ length: 5_000 }, (_, key) => draft(String(key % 100))),
    )
  now += 700_000
  await store.write(replies, 0, [draft('late')])
  await store.clean()
  expect(store.range(replies, 0)).toEqual({ start: 5_000, end: 5_001 })
  expect(store.read(replies, 0, 5_000, 1e6).records.map((record) => record.key)).toEqual(['late'])
  expect(store.read(state, 0, 0, 1e9).records.map((record) => record.offset)).toEqual(
    Array.from({ length: 100 }, (_, index) => 19_900 + index),
  )
  expect(store.range(state, 0)).toEqual({ start: 0, end: 20_000 })
  expect(store.range(events, 0)).toEqual({ start: 0, end: 10 })
  now += 700_000
  await store.clean()
  await store.close()
  const again = await FileStore.open(
    directory,
    () => now,
    () => {},
  )
  onTestFinished(() => again.close())
  expect(again.range(again.topic('room.replies')!, 0)).toEqual({ start: 5_001, end: 5_001 })
})
