import { currentEpoch, partitionOf } from '@roomlog/log'
import { eventsTopic, familyOf } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, Stage, until } from './testing/stage.js'
import type { Written } from './testing/writer.js'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.close())

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A room with events before and after the mark of another owner. */
async function twoOwners(): Promise<Written[]> {
  await stage.writer.create('kitchen')
  const written = []
  for (let i = 0; i < 10; i++) written.push(await stage.writer.say('kitchen', `m${i}`))
  await mark('kitchen')
  for (let i = 10; i < 20; i++) written.push(await stage.writer.say('kitchen', `m${i}`))
  return written
}

async function mark(room: string): Promise<void> {
  const [topic, partition] = placeOf(room)
  const { incarnation } = await currentEpoch(stage.log, topic, partition)
  const { end } = await stage.log.range(topic, partition)
  const value = JSON.stringify({ mark: 'owner', incarnation })
  await stage.log.append(topic, partition, end, [{ key: null, value, headers: { v: '1', cmd: '-1' } }])
}

/** To the last owner's mark; persistence has everything by then. */
async function trim(room: string): Promise<void> {
  await stage.history.archive()
  const [topic, partition] = placeOf(room)
  const { records } = await stage.log.read(topic, partition, (await stage.log.range(topic, partition)).start)
  const last = records.findLast(({ value }) => value!.includes('"mark":"owner"'))
  await stage.log.trim(topic, partition, last!.offset)
}

const placeOf = (room: string): [string, number] => [eventsTopic(familyOf(room)), partitionOf(room, stage.log.partitions)]

describe('a log that was trimmed', () => {
  test('resumes a position below its start, also after a restart of the edge', async () => {
    const written = await twoOwners()
    const warm = stage.edge()
    const watching = await stage.client('anna', warm)
    await watching.request({ op: 'subscribe', room: 'kitchen' })
    await trim('kitchen')
    for (const edge of [warm, stage.edge()]) {
      const client = await stage.client('anna', edge)
      const answer = await client.request({ op: 'subscribe', room: 'kitchen', position: written[2]!.position })
      expect(answer).not.toHaveProperty('error')
      await client.next((frame) => frame.live)
      expect(client.seqs('kitchen')).toEqual(range(8, 24))
    }
  })

  test('gives a subscription that is behind what was trimmed meanwhile', async () => {
    await stage.close()
    stage = await Stage.open({ limits: { ringBytes: 1 } })
    const client = await stage.client('anna', stage.edge(), { bytesMax: 100 })
    await stage.writer.create('kitchen')
    await client.request({ op: 'subscribe', room: 'kitchen' })
    await client.next((frame) => frame.live)
    client.socket.stall()
    for (let i = 0; i < 10; i++) await stage.writer.say('kitchen', `m${i}`)
    await until(() => client.socket.full)
    await mark('kitchen')
    for (let i = 10; i < 20; i++) await stage.writer.say('kitchen', `m${i}`)
    await trim('kitchen')
    const { events } = stage.history.calls
    client.socket.resume()
    await client.next((frame) => frame.event?.seq === 24)
    expect(client.seqs('kitchen')).toEqual(range(5, 24))
    expect(stage.history.calls.events).toBeGreaterThan(events)
  })

  test('resumes a sync from an old composite and old event positions', async () => {
    await stage.writer.create('kitchen')
    const joined = await stage.writer.join('kitchen', 'ben')
    const { room, seq, offset, id } = joined
    const content = { room, partition: Number(id.split('-')[0]), offset, seq }
    await stage.writer.append('@ben', { type: 'room.joined', content })
    const first = await stage.client('ben')
    await synced(first)
    const composite = first.frames.findLast((frame) => frame.position && !frame.event).position as string
    const written = [await stage.writer.say('kitchen', 'one'), await stage.writer.say('kitchen', 'two')]
    first.drop()
    for (const name of ['kitchen', '@ben']) await mark(name)
    await stage.writer.say('kitchen', 'three')
    for (const name of ['kitchen', '@ben']) await trim(name)
    for (const [position, seqs] of [
      [composite, range(6, 8)],
      [[composite, written[0]!.position], range(7, 8)],
    ] as const) {
      const client = await stage.client('ben', stage.edge())
      const answer = await synced(client, { position })
      expect(answer).not.toHaveProperty('error')
      expect(client.seqs('kitchen')).toEqual(seqs)
    }
  })
})

async function synced(client: Client, frame: object = {}): Promise<any> {
  const answer = await client.request({ op: 'sync', ...frame })
  await client.next((candidate) => candidate.live && candidate.live.room === undefined)
  return answer
}
