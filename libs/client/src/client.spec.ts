import { expect, test } from 'vitest'
import { type Client, connect } from './client.js'
import type { Delivery } from './delivery.js'
import { FakeClock, settled } from './fake-clock.js'
import { FakeServer } from './fake-server.js'
import type { ClientEvents, ConnectOptions } from './options.js'

function world(options: Partial<ConnectOptions> = {}) {
  const clock = new FakeClock()
  const server = new FakeServer()
  const errors: unknown[] = []
  const states: ClientEvents['state'][] = []
  const client = connect({ url: 'http://edge:7700', clock, webSocket: server.webSocket, random: () => 0.5, ...options })
  client.on('error', (error) => errors.push(error))
  client.on('state', (change) => states.push(change))
  return { clock, server, client, errors, states }
}

function collect(client: Client, room: string, options = {}) {
  const seqs: number[] = []
  const gaps: object[] = []
  const stream = client.room(room).subscribe(options, {
    event: (delivery: Delivery) => void seqs.push(delivery.event.seq),
    gap: (gap) => void gaps.push(gap),
  })
  return { seqs, gaps, stream }
}

test('connects when first needed, authenticates in the first message and says so', async () => {
  const { client, server, states } = world({ token: 'abc' })
  expect(client.state).toBe('idle')
  expect(server.sockets).toHaveLength(0)
  await client.open()
  expect(server.socket.url).toBe('ws://edge:7700/v1/ws')
  expect(server.socket.protocols).toEqual(['roomlog.v1'])
  expect(server.received).toEqual([{ id: 0, op: 'auth', token: 'abc' }])
  expect(states.map(({ previous, state }) => `${previous}>${state}`)).toEqual(['idle>connecting', 'connecting>connected'])
})

test('a subscription that resumes twice repeats nothing and misses nothing', async () => {
  const { client, server, clock } = world()
  for (let i = 0; i < 3; i++) server.append('r')
  const { seqs, gaps } = collect(client, 'r', { from: 1 })
  await settled()
  for (const code of [4000, 1006]) {
    server.append('r')
    server.socket.drop(code)
    server.append('r')
    await clock.advance(60_000)
  }
  server.append('r')
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(gaps).toEqual([])
  expect(server.sent('subscribe').map(({ position, from }) => position ?? from)).toEqual([1, 'r.4', 'r.6'])
})

test('a resumed subscription that fails before its first event resumes from the same place', async () => {
  const { client, server, clock } = world()
  server.append('r')
  const { seqs } = collect(client, 'r', { from: 1 })
  await settled()
  server.deaf.add('subscribe')
  server.socket.drop(1006)
  await clock.advance(1_000)
  server.socket.drop(1006)
  server.deaf.delete('subscribe')
  server.append('r')
  await clock.advance(5_000)
  expect(seqs).toEqual([1, 2])
})

test('a repeated event is dropped', async () => {
  const { client, server } = world()
  const { seqs } = collect(client, 'r')
  await settled()
  const event = server.append('r')
  server.socket.push({ event, after: 0, position: 'r.1' })
  expect(seqs).toEqual([1])
})

test('a lost frame is noticed by `after`, told, and fetched again from the last position', async () => {
  const { client, server } = world()
  const { seqs, gaps } = collect(client, 'r')
  await settled()
  server.append('r')
  server.socket.cursors.set('r', 2)
  server.log('r').push({ ...server.log('r')[0]!, id: '0-2-check', seq: 2 })
  server.append('r')
  await settled()
  expect(gaps).toEqual([{ room: 'r', accounted: 1, after: 2 }])
  expect(server.sent('subscribe').at(-1)).toMatchObject({ position: 'r.1' })
  expect(seqs).toEqual([1, 2, 3])
})

test('a gap that stays ends the subscription instead of turning in circles', async () => {
  const { client, server } = world({ bounds: { gapsMax: 2 } })
  const endings: object[] = []
  const stream = client.room('r').subscribe({}, { event: () => {}, end: (ending) => void endings.push(ending) })
  await settled()
  server.append('r')
  for (let i = 0; i < 3; i++) {
    server.socket.push({ event: { ...server.log('r')[0]!, seq: 9 }, after: 8, position: 'r.9' })
    await settled()
  }
  expect(endings).toEqual([{ room: 'r', reason: 'gap' }])
  expect(stream.state).toBe('ended')
})

test('withheld events are no gap', async () => {
  const { client, server } = world()
  const { seqs, gaps } = collect(client, 'r')
  await settled()
  const event = server.append('r')
  server.socket.push({ event: { ...event, seq: 5 }, after: 1, position: 'r.5' })
  expect([seqs, gaps]).toEqual([[1, 5], []])
})

test('a slow iterator bounds its queue by leaving and coming back, and gets everything', async () => {
  const { client, server } = world({ bounds: { eventsQueuedMax: 4 } })
  for (let i = 0; i < 10; i++) server.append('r')
  const stream = client.room('r').subscribe({ from: 1 })
  await settled()
  expect(stream.state).toBe('paused')
  const seqs: number[] = []
  for await (const { event } of stream) {
    seqs.push(event.seq)
    await settled()
    if (event.seq === 10) break
  }
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(stream.state).toBe('ended')
  expect(server.sent('unsubscribe').length).toBeGreaterThan(1)
})

test('a handler that throws harms nobody else', async () => {
  const { client, server, errors } = world()
  client.room('a').subscribe(
    {},
    {
      event: () => {
        throw new Error('mine')
      },
    },
  )
  const { seqs } = collect(client, 'b')
  await settled()
  server.append('a')
  server.append('b')
  expect(seqs).toEqual([1])
  expect(errors.map((error) => (error as Error).message)).toEqual(['mine'])
})

test('a refused subscription ends with the code, and its iterator throws it', async () => {
  const { client, server } = world()
  server.intercept = ({ op }) => (op === 'subscribe' ? { error: { code: 'not_found', message: 'no', retriable: false } } : undefined)
  const stream = client.room('r').subscribe()
  await expect(stream.ready).rejects.toMatchObject({ code: 'not_found' })
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_found' })
})

test('`end` ends the subscription, `reset` starts it again as it began', async () => {
  const { client, server } = world()
  const told: string[] = []
  const handlers = {
    event: () => {},
    reset: () => void told.push('reset'),
    end: ({ reason }: { reason: string }) => void told.push(reason),
  }
  server.append('r')
  client.room('r').subscribe({ from: 1 }, handlers)
  await settled()
  server.socket.push({ reset: { room: 'r', reason: 'wrong_epoch' } })
  await settled()
  expect(server.sent('subscribe').map(({ from }) => from)).toEqual([1, 1])
  server.socket.push({ end: { room: 'r', reason: 'kicked', seq: 1 } })
  expect(told).toEqual(['reset', 'kicked'])
})

test('a reset with a position goes on there', async () => {
  const { client, server, clock } = world()
  server.append('r')
  const resets: unknown[] = []
  const seqs: number[] = []
  client
    .room('r')
    .subscribe({ position: 'old.9' }, { event: ({ event }) => void seqs.push(event.seq), reset: (reset) => void resets.push(reset) })
  await settled()
  server.socket.push({ reset: { room: 'r', reason: 'wrong_epoch', seq: 1, position: 'r.1' } })
  await settled()
  expect(server.sent('subscribe')).toHaveLength(1)
  server.socket.drop(4000)
  await clock.advance(1)
  expect(server.sent('subscribe').at(-1)).toMatchObject({ position: 'r.1' })
  server.append('r')
  expect([resets.length, seqs]).toEqual([1, [2]])
})

test('a second subscription of a room, or a room beside a sync, is refused at once', () => {
  const { client } = world()
  const stream = client.room('r').subscribe()
  expect(() => client.room('r').subscribe()).toThrow('subscribed already')
  expect(() => client.sync()).toThrow('another client')
  stream.close()
  client.sync()
  expect(() => client.room('r').subscribe()).toThrow('another client')
})

test('sync resumes with its last composite and the newest position of each room since', async () => {
  const { client, server, clock } = world()
  const seqs: string[] = []
  const left: unknown[] = []
  const stream = client.sync(
    {},
    { event: ({ event }) => void seqs.push(`${event.room}${event.seq}`), left: (ending) => void left.push(ending) },
  )
  await settled()
  const frame = (room: string, seq: number) => ({
    event: { id: '', room, seq, type: 't', sender: { id: 'a' }, at: 0, content: {} },
    after: seq - 1,
    position: `${room}.${seq}`,
  })
  server.socket.push(frame('a', 1), { position: 'C1' }, frame('a', 2), frame('b', 7), frame('a', 3))
  expect(stream.place.position).toEqual(['C1', 'a.3', 'b.7'])
  server.socket.drop(4000)
  await clock.advance(1)
  expect(server.sent('sync').at(-1)).toMatchObject({ position: ['C1', 'a.3', 'b.7'] })
  server.socket.push(frame('a', 2), frame('a', 3), frame('b', 8))
  expect(seqs).toEqual(['a1', 'a2', 'b7', 'a3', 'b8'])
  server.socket.push({ end: { room: 'b', reason: 'left', seq: 8 } })
  expect(stream.place.position).toEqual(['C1', 'a.3'])
  expect(left).toEqual([{ room: 'b', reason: 'left', seq: 8 }])
})

test('closing fails what is outstanding and comes back never', async () => {
  const { client, server, clock } = world()
  await client.open()
  server.deaf.add('do')
  const action = client.room('r').publish('msg.text', {})
  const read = client.read('summary', { room: 'r' })
  server.deaf.add('summary')
  const failed = expect(read).rejects.toMatchObject({ code: 'unavailable' })
  await settled()
  client.close()
  await failed
  await expect(action.done).rejects.toMatchObject({ code: 'unknown' })
  expect(client.room('r').publish('msg.text', {}).error).toMatchObject({ code: 'unavailable', retriable: false })
  await expect(client.read('summary')).rejects.toMatchObject({ code: 'unavailable' })
  await clock.advance(600_000)
  expect(server.sockets).toHaveLength(1)
  expect(clock.pending).toBe(0)
})
