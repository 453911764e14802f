/** Real: memory log, two edges, sessions, subscriptions. Not real: clock, sockets, tokens, the authority. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EdgeParts } from './edge.js'
import { type Client, Stage, until } from './testing/stage.js'

let stage: Stage
let [first, second]: EdgeParts[] = []

beforeEach(async () => {
  stage = await Stage.open({ limits: { presenceMembers: 3 } })
  first = stage.edge()
  second = stage.edge()
  await stage.writer.create('r', { access: 'public' })
  await stage.writer.join('r', 'bert')
})
afterEach(() => stage.close())

const signals = (client: Client, type: string) => client.frames.filter((frame) => frame.signal?.type === type).map(({ signal }) => signal)

/** Moves the clock until it is so: what is coalesced waits for the clock, what is written for the log. */
async function soon(reached: () => boolean, ms = 50): Promise<void> {
  await until(() => {
    if (!reached()) stage.clock.advance(ms)
    return reached()
  })
}

async function inRoom(token: string, edge: EdgeParts | undefined, frame: object = {}): Promise<Client> {
  const client = await stage.client(token, edge)
  await client.request({ op: 'subscribe', room: 'r', ...frame })
  return client
}

/** Until the tails of both edges are open: what is said before is nobody's. */
async function heard(from: Client, to: Client): Promise<void> {
  await until(() => {
    from.send({ op: 'signal', room: 'r', type: 'app.hello' })
    return signals(to, 'app.hello').length > 0
  })
}

describe('signals', () => {
  test('reach whoever is there, on every edge, with their content as it was sent, and not the sender', async () => {
    const [anna, bert] = [await inRoom('anna', first), await inRoom('bert', second)]
    await heard(anna, bert)
    const content = '{"x": 12345678901234567890 }'
    anna.send(`{"id":9,"op":"signal","room":"r","type":"cursor.moved","content":${content}}`)
    await until(() => signals(bert, 'cursor.moved').length > 0)
    expect(bert.socket.texts.at(-1)).toBe(
      `{"signal":{"room":"r","type":"cursor.moved","sender":"anna","device":"d1","content":${content}}}`,
    )
    expect(signals(anna, 'cursor.moved')).toEqual([])
  })

  test('to one user or one device reach only them', async () => {
    const [anna, bert, tablet] = [await inRoom('anna', first), await inRoom('bert', first), await inRoom('bert/d2', second)]
    await heard(anna, bert)
    await heard(anna, tablet)
    await anna.request({ op: 'signal', room: 'r', type: 'app.user', to: 'bert' })
    await anna.request({ op: 'signal', room: 'r', type: 'app.device', to: 'bert/d2' })
    await until(() => signals(tablet, 'app.device').length === 1)
    expect([signals(bert, 'app.user').length, signals(tablet, 'app.user').length, signals(bert, 'app.device').length]).toEqual([1, 1, 0])
  })

  test('are for members and those who may write, and say nothing of rooms that one may not know', async () => {
    await stage.writer.create('secret')
    const carl = await stage.client('carl', first)
    expect((await carl.request({ op: 'signal', room: 'secret', type: 'x' })).error.code).toBe('not_found')
    expect((await carl.request({ op: 'signal', room: 'nowhere', type: 'x' })).error.code).toBe('not_found')
    const reader = await stage.client('dora/d1/secret', first)
    expect((await reader.request({ op: 'signal', room: 'secret', type: 'x' })).error.code).toBe('not_member')
    await stage.writer.kick('r', 'bert')
    const bert = await stage.client('bert', first)
    expect((await bert.request({ op: 'typing', room: 'r' })).error).toBeDefined()
    const anonymous = stage.socket(first)
    await anonymous.request({ op: 'auth' })
    expect((await anonymous.request({ op: 'signal', room: 'r', type: 'x' })).error.code).toBe('unauthenticated')
  })

  test('cannot pass for what edges say, and are bounded', async () => {
    const anna = await inRoom('anna', first)
    expect((await anna.request({ op: 'signal', room: 'r', type: 'presence' })).error.code).toBe('invalid')
    expect((await anna.request({ op: 'signal', room: 'r', type: 'x', content: 'y'.repeat(70_000) })).error.code).toBe('too_large')
  })

  test('are dropped for a client that does not read, which hears the events nevertheless', async () => {
    const anna = await inRoom('anna', first)
    const bert = await stage.client('bert', first, { bytesMax: 1_000 })
    await bert.request({ op: 'subscribe', room: 'r' })
    await heard(anna, bert)
    bert.socket.stall()
    await stage.writer.say('r', 'x'.repeat(2_000))
    await until(() => bert.socket.full)
    const before = signals(bert, 'app.lost').length
    await anna.request({ op: 'signal', room: 'r', type: 'app.lost' })
    await stage.writer.say('r', 'after')
    const carl = await inRoom('anna/d2', first)
    await heard(anna, carl)
    bert.socket.resume()
    await until(() => bert.events('r').at(-1)?.event.content.body === 'after')
    expect(signals(bert, 'app.lost').length).toBe(before)
  })
})

describe('typing', () => {
  test('is told once, ends by itself and ends when they say so', async () => {
    const [anna, bert] = [await inRoom('anna', first), await inRoom('bert', second)]
    await heard(anna, bert)
    for (let i = 0; i < 5; i++) await anna.request({ op: 'typing', room: 'r', timeoutMs: 5_000 })
    await soon(() => signals(bert, 'typing').length > 0)
    expect(signals(bert, 'typing')).toEqual([{ room: 'r', type: 'typing', users: ['anna'] }])
    await soon(() => signals(bert, 'typing').length > 1)
    expect(signals(bert, 'typing').at(-1).users).toEqual([])
    await anna.request({ op: 'typing', room: 'r' })
    await soon(() => signals(bert, 'typing').length > 2)
    await anna.request({ op: 'typing', room: 'r', timeoutMs: 0 })
    await soon(() => signals(bert, 'typing').length > 3)
    expect(signals(bert, 'typing').map(({ users }) => users.length)).toEqual([1, 0, 1, 0])
  })
})

describe('presence', () => {
  const of = async (client: Client): Promise<Record<string, string>> => {
    const { ok } = await client.request({ op: 'presence', room: 'r' })
    return Object.fromEntries((ok.users ?? []).map(({ user, presence }: { user: string; presence: string }) => [user, presence]))
  }
  const present = async (client: Client, wanted: Record<string, string>) => {
    let now: Record<string, string> = {}
    for (let i = 0; i < 400; i++) {
      now = await of(client)
      if (JSON.stringify(Object.entries(now).sort()) === JSON.stringify(Object.entries(wanted).sort())) return
      stage.clock.advance(100)
    }
    expect(now).toEqual(wanted)
  }

  test('is that of the most present device, over edges, and is told to those who look', async () => {
    const anna = await inRoom('anna', first)
    const [phone, tablet] = [await inRoom('bert/phone', first), await inRoom('bert/tablet', second)]
    await present(anna, { anna: 'online', bert: 'online' })
    await phone.request({ op: 'setPresence', presence: 'away' })
    await tablet.request({ op: 'setPresence', presence: 'offline' })
    await present(anna, { anna: 'online', bert: 'away' })
    await soon(() =>
      signals(anna, 'presence').some(({ users }) => users.some((one: any) => one.user === 'bert' && one.presence === 'away')),
    )
    await tablet.request({ op: 'setPresence', presence: 'online' })
    await present(anna, { anna: 'online', bert: 'online' })
  })

  test('ends a lease after the last connection, and at once with the membership', async () => {
    const [anna, bert] = [await inRoom('anna', first), await inRoom('bert', second)]
    await present(anna, { anna: 'online', bert: 'online' })
    bert.drop()
    stage.clock.advance(20_000)
    expect((await of(anna)).bert).toBe('online')
    await present(anna, { anna: 'online' })
    await inRoom('bert', second)
    await present(anna, { anna: 'online', bert: 'online' })
    const before = stage.clock.now()
    await stage.writer.kick('r', 'bert')
    await present(anna, { anna: 'online' })
    expect(stage.clock.now() - before).toBeLessThan(5_000)
  })

  test('ends with the lease when an edge dies', async () => {
    const anna = await inRoom('anna', first)
    await inRoom('bert', second)
    await present(anna, { anna: 'online', bert: 'online' })
    stage.clock.advance(6_000)
    await present(anna, { anna: 'online', bert: 'online' })
    await second!.ephemeral.close()
    const before = stage.clock.now()
    await present(anna, { anna: 'online' })
    expect(stage.clock.now() - before).toBeLessThanOrEqual(31_000)
  })

  test('of a room with many is a count', async () => {
    const anna = await inRoom('anna', first)
    for (const user of ['carl', 'dora', 'emil']) {
      await stage.writer.join('r', user)
      await inRoom(user, second)
    }
    await soon(() => signals(anna, 'presence').some(({ count }) => count === 4))
    expect((await anna.request({ op: 'presence', room: 'r' })).ok).toEqual({ room: 'r', count: 4 })
  })

  test('is not given to whoever may not know the room, and comes only of the users that a filter names', async () => {
    await stage.writer.create('secret')
    const carl = await stage.client('carl', first)
    expect((await carl.request({ op: 'presence', room: 'secret' })).error.code).toBe('not_found')
    const anna = await inRoom('anna', first, { filter: { users: ['bert'] } })
    await inRoom('bert', first)
    await soon(() => signals(anna, 'presence').length > 0)
    for (const { users } of signals(anna, 'presence')) expect(users.map(({ user }: any) => user)).toEqual(['bert'])
  })
})
