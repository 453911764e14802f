import { expect, test } from 'vitest'
import { type Action, ActionIds } from './action.js'
import { connect } from './client.js'
import { FakeClock, settled } from './fake-clock.js'
import { FakeServer } from './fake-server.js'
import type { ConnectOptions } from './options.js'

async function world(options: Partial<ConnectOptions> = {}) {
  const clock = new FakeClock()
  const server = new FakeServer()
  const shown: string[] = []
  const client = connect({ url: 'http://edge', clock, webSocket: server.webSocket, random: () => 0.5, ...options })
  client.on('error', () => {})
  client.on('action', (action: Action) => shown.push(`${action.wish.type} ${action.state}`))
  await client.open()
  return { clock, server, client, shown, room: client.room('r') }
}

test('an action is shown at once and confirmed by its answer', async () => {
  const { room, shown, client } = await world()
  const action = room.publish('msg.text', { text: 'hi' })
  expect([action.state, client.outstanding]).toEqual(['pending', 1])
  await expect(action.done).resolves.toMatchObject({ seq: 1, event: '0-1-check' })
  expect(shown).toEqual(['msg.text pending', 'msg.text confirmed'])
  expect(client.outstanding).toBe(0)
})

test('its event confirms it too, when that comes first', async () => {
  const { room, server, shown } = await world()
  room.subscribe({}, { event: () => {} })
  await settled()
  server.deaf.add('do')
  const action = room.publish('msg.text', {})
  await settled()
  server.append('r', 'msg.text', {}, action.id)
  expect(action.state).toBe('confirmed')
  expect(action.result).toEqual({ event: '0-1-check', room: 'r', seq: 1, position: 'r.1' })
  expect(shown).toHaveLength(2)
})

test('every action of a room names the one before it', async () => {
  const { room, server, client } = await world()
  const [a, b] = [room.publish('a', {}), room.publish('b', {})]
  const other = client.room('other').publish('x', {})
  await b.done
  const c = room.publish('c', {})
  await c.done
  const sent = server.sent('do').map(({ actionId, prevActionId }) => [actionId, prevActionId])
  expect(sent).toEqual([
    [a.id, undefined],
    [b.id, a.id],
    [other.id, undefined],
    [c.id, b.id],
  ])
})

test('actions whose outcome is unknown go out again with the same ID, in order, and are there once', async () => {
  const { room, server, clock } = await world()
  let lost = 0
  const actions = ['a', 'b', 'c'].map((type) => room.publish(type, {}))
  server.intercept = ({ op, actionId, type }, socket) => {
    if (op !== 'do' || lost >= 3) return undefined
    lost++
    // Two reached the log, and their answers were lost; the third was lost on its way.
    if (type === 'c') {
      socket.drop(1006)
      return 'silence'
    }
    const event = server.append('r', type, {})
    server.actions.set(`r ${actionId}`, { event: event.id, room: 'r', seq: event.seq, position: `r.${event.seq}` })
    return 'silence'
  }
  await settled()
  expect(actions.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
  await clock.advance(1_000)
  expect(actions.map(({ result }) => result?.seq)).toEqual([1, 2, 3])
  expect(server.log('r').map(({ type }) => type)).toEqual(['a', 'b', 'c'])
  const ids = server.sent('do').map(({ actionId }) => actionId)
  expect(ids).toEqual([...actions.map(({ id }) => id), ...actions.map(({ id }) => id)])
  expect(
    server
      .sent('do')
      .slice(3)
      .map(({ prevActionId }) => prevActionId),
  ).toEqual([undefined, actions[0]!.id, actions[1]!.id])
})

test('an answer that does not come is asked for again', async () => {
  const { room, server, clock } = await world()
  server.deaf.add('do')
  const action = room.publish('a', {})
  await clock.advance(19_000)
  expect(server.sent('do')).toHaveLength(1)
  server.deaf.delete('do')
  await clock.advance(10_000)
  expect(action.state).toBe('confirmed')
  expect(new Set(server.sent('do').map(({ actionId }) => actionId))).toEqual(new Set([action.id]))
})

test('a retriable refusal is tried again after its delay, a definite one is the outcome', async () => {
  const { room, server, clock } = await world()
  let limited = true
  server.intercept = ({ op, type }) => {
    if (op !== 'do') return undefined
    if (type === 'no') return { error: { code: 'forbidden', message: 'no', retriable: false } }
    if (!limited) return undefined
    limited = false
    return { error: { code: 'limited', message: 'slow down', retriable: true, retryAfterMs: 700 } }
  }
  const [a, no] = [room.publish('a', {}), room.publish('no', {})]
  await expect(no.done).rejects.toMatchObject({ code: 'forbidden' })
  await clock.advance(699)
  expect(a.state).toBe('pending')
  await clock.advance(1)
  expect(a.state).toBe('confirmed')
})

test('an action that came before its predecessor was known is told so, and goes out with a predecessor that is', async () => {
  const { room, server, clock } = await world()
  const first = room.publish('a', {})
  await first.done
  server.intercept = ({ op, type, prevActionId }) => {
    if (op !== 'do') return undefined
    if (type === 'refused') return { error: { code: 'forbidden', message: 'no', retriable: false } }
    return type === 'b' && prevActionId !== first.id ? { error: { code: 'action_gap', message: 'gap', retriable: true } } : undefined
  }
  room.publish('refused', {})
  const b = room.publish('b', {})
  await clock.advance(1_000)
  expect(b.state).toBe('confirmed')
})

test('what never succeeds fails with its last error', async () => {
  const { room, server, clock } = await world({ bounds: { actionAttemptsMax: 3 } })
  server.intercept = ({ op }) => (op === 'do' ? { error: { code: 'unavailable', message: 'down', retriable: true } } : undefined)
  const action = room.publish('a', {})
  await clock.advance(60_000)
  expect(action.error).toMatchObject({ code: 'unavailable' })
  expect(server.sent('do')).toHaveLength(3)
})

test('above the bound an action fails at once, unsent and without a number', async () => {
  const { room, server } = await world({ bounds: { actionsOutstandingMax: 1 } })
  server.deaf.add('do')
  room.publish('a', {})
  const second = room.publish('b', {})
  expect([second.state, second.error?.code, second.id]).toEqual(['failed', 'limited', 0])
  await settled()
  expect(server.sent('do')).toHaveLength(1)
})

test('of one room only so many are on the wire as an authority parks', async () => {
  const { room, server } = await world({ bounds: { actionsInFlightMax: 2 } })
  server.deaf.add('do')
  for (let i = 0; i < 5; i++) room.publish('a', {})
  await settled()
  expect(server.sent('do')).toHaveLength(2)
})

test('action IDs increase over a clock that steps back, and past what another tab has used', () => {
  const clock = new FakeClock()
  const ids = new ActionIds(clock)
  const first = ids.next()
  expect(first).toBe(clock.now() * 1_000)
  clock.sleep(-60_000)
  expect(ids.next()).toBe(first + 1)
  ids.raise(first + 500)
  expect(ids.next()).toBe(first + 501)
  expect(Number.isSafeInteger(first)).toBe(true)
})

test('an ID that was used for something else fails, and later ones are above it', async () => {
  const { room, server } = await world()
  server.intercept = ({ op, type }) =>
    op === 'do' && type === 'a'
      ? { error: { code: 'conflict', message: 'used', retriable: false, lastActionId: 9_000_000_000_000_000 } }
      : undefined
  await expect(room.publish('a', {}).done).rejects.toMatchObject({ code: 'conflict' })
  const next = room.publish('b', {})
  await next.done
  expect(next.id).toBe(9_000_000_000_000_001)
})

test('reads carry the position of the last acknowledged action', async () => {
  const asked: string[] = []
  const { room, client, server } = await world({
    token: 'abc',
    fetch: async (url, { headers }) => {
      asked.push(`${url} ${headers.authorization}`)
      return { ok: true, status: 200, text: async () => '{"events":[],"more":{"stored":false}}' }
    },
  })
  await room.history({ limit: 2, filter: { types: ['msg.*', 'x'], full: true } })
  await room.publish('a', {}).done
  await room.history()
  await client.read('summary', { room: 'r' })
  expect(asked).toEqual([
    'http://edge/v1/rooms/r/events?limit=2&types=msg.*%2Cx&full=1 Bearer abc',
    'http://edge/v1/rooms/r/events?atLeast=r.1 Bearer abc',
  ])
  expect(server.sent('summary')[0]).toMatchObject({ atLeast: 'r.1' })
})

test('an HTTP error is thrown with its code; one that may have happened is `unknown`', async () => {
  const answers = [
    async () => ({ ok: false, status: 404, text: async () => '{"error":{"code":"not_found","message":"no","retriable":false}}' }),
    async () => {
      throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
    },
    async () => {
      throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })
    },
  ]
  const { client } = await world({ fetch: () => answers.shift()!() })
  await expect(client.http.room('r')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  await expect(client.http.rooms()).rejects.toMatchObject({ code: 'unavailable', message: 'GET http://edge/v1/rooms: ECONNREFUSED' })
  await expect(client.http.createRoom({ name: 'x' })).rejects.toMatchObject({ code: 'unknown' })
})
