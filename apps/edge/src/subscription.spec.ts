import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Stage, until } from './testing/stage.js'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.close())

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('live', () => {
  test('a subscription at the tail gets what follows, untouched, with `after` and position', async () => {
    await stage.writer.create('kitchen')
    const client = await stage.client('anna')
    const answer = await client.request({ op: 'subscribe', room: 'kitchen' })
    expect(answer.ok).toMatchObject({ room: 'kitchen', seq: 4 })
    const written = await stage.writer.say('kitchen', 'hello')
    const frame = await client.next((candidate) => candidate.event)
    expect(frame).toMatchObject({ event: { id: written.id, seq: 5 }, after: 4, position: written.position })
    expect(client.socket.texts.at(-1)).toContain(written.text)
  })

  test('the tail’s position is that of the room’s last event', async () => {
    await stage.writer.create('kitchen')
    const last = await stage.writer.say('kitchen', 'last')
    const client = await stage.client('anna')
    expect((await client.request({ op: 'subscribe', room: 'kitchen' })).ok).toEqual({ room: 'kitchen', seq: 5, position: last.position })
    expect(await client.next((frame) => frame.live)).toEqual({ live: { room: 'kitchen', seq: 5, position: last.position } })
  })

  test('subscribers in step share one frame', async () => {
    await stage.writer.create('kitchen')
    const clients = [await stage.client('anna'), await stage.client('anna/d2')]
    const delivered: unknown[] = []
    for (const client of clients) {
      await client.request({ op: 'subscribe', room: 'kitchen' })
      const deliver = client.socket.deliver.bind(client.socket)
      client.socket.deliver = (frame) => {
        delivered.push(frame)
        deliver(frame)
      }
    }
    await stage.writer.say('kitchen', 'x')
    await until(() => delivered.length === 2)
    expect(delivered[0]).toBe(delivered[1])
  })

  test('only the sending device gets its action ID', async () => {
    await stage.writer.create('kitchen')
    const [same, other] = [await stage.client('anna/d1'), await stage.client('anna/d2')]
    for (const client of [same, other]) await client.request({ op: 'subscribe', room: 'kitchen' })
    await stage.writer.say('kitchen', 'x', { device: 'd1', actionId: 17 })
    expect((await same.next((frame) => frame.event)).actionId).toBe(17)
    expect(await other.next((frame) => frame.event)).not.toHaveProperty('actionId')
  })

  test('a subscriber whose check throws hurts only itself', async () => {
    await stage.writer.create('kitchen')
    const [poisoned, healthy] = [await stage.client('anna'), await stage.client('anna/d2')]
    for (const client of [poisoned, healthy]) await client.request({ op: 'subscribe', room: 'kitchen' })
    poisoned.socket.deliver = () => {
      throw new Error('poison')
    }
    await stage.writer.say('kitchen', 'x')
    await healthy.next((frame) => frame.event?.seq === 5)
    expect((await poisoned.next((frame) => frame.end)).end).toMatchObject({ room: 'kitchen', reason: 'internal' })
  })

  test('a filter withholds, and `after` says that it did; out-of-order events come only if asked for', async () => {
    await stage.writer.create('kitchen')
    const [plain, apps, late] = [await stage.client('anna'), await stage.client('anna'), await stage.client('anna')]
    await plain.request({ op: 'subscribe', room: 'kitchen' })
    await apps.request({ op: 'subscribe', room: 'kitchen', filter: { types: ['app.*'] } })
    await late.request({ op: 'subscribe', room: 'kitchen', filter: { outOfOrder: true } })
    await stage.writer.append('kitchen', { type: 'msg.text', follows: '0-1-abcdefgh' })
    await stage.writer.append('kitchen', { type: 'app.moved' })
    await plain.next((frame) => frame.event?.seq === 6)
    await apps.next((frame) => frame.event?.seq === 6)
    await late.next((frame) => frame.event?.seq === 6)
    expect(plain.events('kitchen').map(({ event, after }) => [event.seq, after])).toEqual([[6, 4]])
    expect(apps.events('kitchen').map(({ event, after }) => [event.seq, after])).toEqual([[6, 4]])
    expect(late.seqs('kitchen')).toEqual([5, 6])
  })
})

describe('resume', () => {
  async function room(events: number) {
    await stage.writer.create('kitchen')
    const written = []
    for (let i = 0; i < events; i++) written.push(await stage.writer.say('kitchen', `m${i}`))
    return written
  }

  test('from the ring', async () => {
    await stage.writer.create('kitchen')
    const edge = stage.edge()
    const watching = await stage.client('anna', edge)
    await watching.request({ op: 'subscribe', room: 'kitchen' })
    const first = await stage.writer.say('kitchen', 'first')
    for (let i = 0; i < 20; i++) await stage.writer.say('kitchen', `m${i}`)
    await watching.next((frame) => frame.event?.seq === 25)
    const { access } = stage.history.calls
    const client = await stage.client('anna', edge)
    await client.request({ op: 'subscribe', room: 'kitchen', position: first.position })
    await client.next((frame) => frame.live)
    expect(client.seqs('kitchen')).toEqual(range(6, 25))
    expect(stage.history.calls).toMatchObject({ events: expect.any(Number), access })
  })

  test('from the log by offset', async () => {
    const written = await room(30)
    const client = await stage.client('anna')
    await client.request({ op: 'subscribe', room: 'kitchen', position: written[4]!.position })
    await client.next((frame) => frame.live)
    expect(client.seqs('kitchen')).toEqual(range(10, 34))
  })

  test('from persistence by seq, then from the log where persistence lags', async () => {
    const written = await room(30)
    stage.history.lag = 7
    const edge = stage.edge()
    Object.assign(edge.limits, { replayRecords: 3 })
    const client = await stage.client('anna', edge)
    await client.request({ op: 'subscribe', room: 'kitchen', position: written[4]!.position })
    await client.next((frame) => frame.live)
    expect(client.seqs('kitchen')).toEqual(range(10, 34))
  })

  test.each([
    [{ from: 1 }, range(1, 9)],
    [{ from: 7 }, range(7, 9)],
    [{ from: 50 }, []],
    [{ last: 3 }, range(7, 9)],
    [{ last: 100 }, range(1, 9)],
    [{}, []],
  ])('%j starts where it says', async (start, expected) => {
    await room(5)
    const client = await stage.client('anna')
    await client.request({ op: 'subscribe', room: 'kitchen', filter: { full: true }, ...start })
    await client.next((frame) => frame.live)
    expect(client.seqs('kitchen')).toEqual(expected)
  })

  test('state that is superseded is left out, unless the full log is asked for', async () => {
    await stage.writer.create('kitchen')
    for (const value of ['a', 'b', 'c']) await stage.writer.append('kitchen', { type: 'room.name', key: '', content: { value } })
    const [brief, full] = [await stage.client('anna'), await stage.client('anna')]
    await brief.request({ op: 'subscribe', room: 'kitchen', from: 5 })
    await full.request({ op: 'subscribe', room: 'kitchen', from: 5, filter: { full: true } })
    await brief.next((frame) => frame.live)
    await full.next((frame) => frame.live)
    expect(brief.events('kitchen').map(({ event, after }) => [event.seq, after])).toEqual([[7, 4]])
    expect(full.seqs('kitchen')).toEqual([5, 6, 7])
  })

  test('deleted content never goes out again, from ring, log or persistence', async () => {
    await stage.writer.create('kitchen')
    const watching = await stage.client('anna')
    await watching.request({ op: 'subscribe', room: 'kitchen' })
    const secret = await stage.writer.say('kitchen', 'the secret')
    await stage.writer.append('kitchen', { type: 'msg.delete', ref: secret.id, erases: secret.seq, content: { reason: 'typo' } })
    await watching.next((frame) => frame.event?.seq === 6)
    const cold = stage.edge()
    const far = stage.edge()
    Object.assign(far.limits, { replayRecords: 0 })
    for (const edge of [stage.edges[0]!, cold, far]) {
      const client = await stage.client('anna', edge)
      await client.request({ op: 'subscribe', room: 'kitchen', from: 5 })
      await client.next((frame) => frame.live)
      expect(client.seqs('kitchen')).toEqual([5, 6])
      expect(client.socket.texts.join()).not.toContain('the secret')
      expect(client.events('kitchen')[0].event).toMatchObject({ content: null, deleted: { by: 'anna', reason: 'typo' } })
    }
  })

  test('marks and other rooms of the partition are passed over', async () => {
    const written = await room(3)
    for (let i = 0; i < 40; i++) await stage.writer.say(`other-${i % 5}`, 'x')
    await stage.writer.mark('kitchen')
    await stage.writer.say('kitchen', 'y')
    const client = await stage.client('anna')
    await client.request({ op: 'subscribe', room: 'kitchen', position: written[1]!.position })
    await client.next((frame) => frame.live)
    expect(client.seqs('kitchen')).toEqual([7, 8])
  })
})

describe('positions that cannot be continued', () => {
  test('of another epoch, beyond the end or unknown: reset, and the tail goes on', async () => {
    await stage.writer.create('kitchen')
    const { position } = await stage.writer.say('kitchen', 'x')
    const [epoch, partition, offset, seq, check] = position.split('.')
    const cases: [string, string][] = [
      [['AAAAAAAA', partition, offset, seq, check].join('.'), 'wrong_epoch'],
      [[epoch, partition, '9999', seq, check].join('.'), 'beyond_end'],
      [[epoch, partition, offset, seq, 'BBBBBBBB'].join('.'), 'unknown_position'],
      [[epoch, partition, offset, '2', check].join('.'), 'unknown_position'],
    ]
    for (const [bad, reason] of cases) {
      const client = await stage.client('anna')
      expect((await client.request({ op: 'subscribe', room: 'kitchen', position: bad })).ok.seq).toBeGreaterThan(0)
      expect((await client.next((frame) => frame.reset)).reset).toMatchObject({ room: 'kitchen', reason })
      await client.next((frame) => frame.live)
      const { seq: next } = await stage.writer.say('kitchen', 'on')
      await client.next((frame) => frame.event?.seq === next)
      expect(client.seqs('kitchen')).toEqual([next])
    }
  })

  test('an event position of another room is invalid', async () => {
    stage = await Stage.open({ partitions: 1 })
    await stage.writer.create('kitchen')
    await stage.writer.create('garden')
    const { position } = await stage.writer.say('garden', 'x')
    const client = await stage.client('anna')
    expect((await client.request({ op: 'subscribe', room: 'kitchen', position })).error).toMatchObject({
      code: 'invalid',
      field: 'position',
    })
  })

  test('a new incarnation of the log resets who is live', async () => {
    stage = await Stage.open({ partitions: 1 })
    await stage.writer.create('kitchen')
    const client = await stage.client('anna')
    await client.request({ op: 'subscribe', room: 'kitchen' })
    await stage.writer.incarnate('room.events', 0)
    expect((await client.next((frame) => frame.reset)).reset).toMatchObject({ room: 'kitchen', reason: 'wrong_epoch' })
    await until(() => client.frames.filter((frame) => frame.live).length === 2)
    await stage.writer.say('kitchen', 'on')
    expect((await client.next((frame) => frame.event)).event.seq).toBe(5)
  })
})

describe('a slow client', () => {
  test('falls behind at its bound, costs no more, and reads on from its cursor', async () => {
    await stage.writer.create('kitchen')
    const slow = await stage.client('anna', undefined, { bytesMax: 4_000 })
    const quick = await stage.client('anna/d2')
    for (const client of [slow, quick]) await client.request({ op: 'subscribe', room: 'kitchen' })
    slow.socket.stall()
    for (let i = 0; i < 100; i++) await stage.writer.say('kitchen', `message ${i}`)
    await quick.next((frame) => frame.event?.seq === 104)
    expect(slow.socket.unreadCount).toBeLessThan(40)
    slow.socket.resume()
    await slow.next((frame) => frame.event?.seq === 104)
    expect(slow.seqs('kitchen')).toEqual(range(5, 104))
    await stage.writer.say('kitchen', 'live again')
    await slow.next((frame) => frame.event?.seq === 105)
  })
})
