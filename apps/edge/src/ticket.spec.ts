/** Real: memory log, edges, sessions. Not real: clock, sockets, tokens, persistence (which can be made to fail). */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, Stage, until } from './testing/stage.js'
import { type Proof, Tickets, ticketBounds } from './ticket.js'

const tickets = new Tickets('the secret of the deployment')
const now = 1_700_000_000_000

const proof = (i: number): Proof => ({
  room: Buffer.from(String(i * 7_919).padStart(16, '0')).toString('base64url'),
  epoch: `epoch${String(i).padStart(3, '0')}`,
  through: 12_345_678 + i * 977,
  tail: { offset: 12_345_000 + i * 967, seq: 4_000 + i, check: Buffer.from(String(i * 104_729).padStart(6, '0')).toString('base64url') },
  access: 'limited',
  history: [[1, 'shared']],
  membership: [[2, 'joined']],
})
const ticket = (count: number) => ({
  user: 'anna',
  device: 'd1',
  issuedAt: now,
  inbox: { epoch: 'inboxepo', through: 7 },
  proofs: Array.from({ length: count }, (_, i) => proof(i)),
  all: { seq: 3, offset: 7 },
})

describe('a ticket', () => {
  test('is what it was, for its user and device, for an hour', () => {
    const text = tickets.seal(ticket(3))
    expect(tickets.open(text, { user: 'anna', device: 'd1' }, now + 3_000_000)).toEqual(ticket(3))
    expect(tickets.open(text, { user: 'bert', device: 'd1' }, now)).toEqual({ refused: 'forbidden' })
    expect(tickets.open(text, { user: 'anna', device: 'd2' }, now)).toEqual({ refused: 'forbidden' })
    expect(tickets.open(text, { user: 'anna', device: 'd1' }, now + 3_600_001)).toEqual({ refused: 'expired' })
    expect(new Tickets('another secret').open(text, { user: 'anna', device: 'd1' }, now)).toEqual({ refused: 'invalid' })
  })

  test('is at most 64 rooms and 4 KiB, and says when these are not all', () => {
    for (const count of [0, 40, 64, 65, 500]) {
      const text = tickets.seal(ticket(count))
      const opened = tickets.open(text, { user: 'anna', device: 'd1' }, now)
      if ('refused' in opened) throw new Error(opened.refused)
      expect(text.length).toBeLessThanOrEqual(ticketBounds.characters)
      expect(opened.proofs.length).toBeLessThanOrEqual(64)
      expect(opened.all !== undefined).toBe(opened.proofs.length === count)
    }
    expect(tickets.seal(ticket(40)).length).toBeGreaterThan(0)
  })

  test('forged, truncated or of random text is refused and never a crash', () => {
    const text = tickets.seal(ticket(5))
    const open = (forged: string) => tickets.open(forged, { user: 'anna', device: 'd1' }, now)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
        const forged = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
        if (forged !== text && Buffer.from(forged.slice(3), 'base64url').compare(Buffer.from(text.slice(3), 'base64url')) !== 0)
          expect(open(forged)).toEqual({ refused: 'invalid' })
      }),
    )
    fc.assert(fc.property(fc.nat(text.length - 1), (length) => void expect(open(text.slice(0, length))).toEqual({ refused: 'invalid' })))
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5_000 }), (random) => void expect(open(random)).toEqual({ refused: 'invalid' })),
    )
    fc.assert(
      fc.property(fc.base64String(), (random) => void expect(open(`t1.${random}.${'A'.repeat(43)}`)).toEqual({ refused: 'invalid' })),
    )
  })
})

describe('a reconnect with a ticket', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await Stage.open()
    await stage.writer.create('r')
    await stage.writer.create('s')
    for (const room of ['r', 's'])
      await stage.writer.append('@anna', { type: 'room.joined', content: { room, partition: 0, offset: 0, seq: 2, position: '' } })
    for (let i = 0; i < 5; i++) await stage.writer.say('r', `m${i}`)
  })
  afterEach(() => stage.close())

  const asked = () => stage.history.calls.access + stage.history.calls.events + stage.history.calls.erased
  async function back(ticket: string, token = 'anna'): Promise<{ client: Client; answer: any }> {
    const client = stage.socket(stage.edge())
    return { client, answer: await client.request({ op: 'auth', token, ticket }) }
  }
  async function ticketOf(client: Client): Promise<string> {
    let answer: any
    for (let i = 0; i < 100 && !answer?.ok; i++) {
      answer = await client.request({ op: 'ticket' })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return answer.ok.ticket
  }

  test('asks persistence nothing: subscriptions and sync go on from the log', async () => {
    const first = await stage.client('anna', stage.edge())
    await first.request({ op: 'subscribe', room: 'r' })
    const { position } = (await first.next((frame) => frame.live?.room === 'r')).live
    await first.request({ op: 'sync' })
    const composite = (await first.next((frame) => frame.live && !frame.live.room)).live.position
    const ticket = await ticketOf(first)
    first.drop()
    await stage.writer.say('r', 'missed')
    await stage.writer.say('s', 'missed too')
    const before = asked()
    stage.history.failing = true
    const { client, answer } = await back(ticket)
    expect(answer.ok).toMatchObject({ user: 'anna' })
    expect(answer.ok.ticketRefused).toBeUndefined()
    expect((await client.request({ op: 'subscribe', room: 'r', position })).ok.seq).toBe(10)
    await until(() => client.events('r').some(({ event }) => event.content.body === 'missed'))
    expect((await client.request({ op: 'unsubscribe', room: 'r' })).ok).toBeDefined()
    expect((await client.request({ op: 'sync', position: composite })).ok).toEqual({ rooms: 2 })
    await until(() => client.events('s').length > 0)
    await client.next((frame) => frame.live && !frame.live.room)
    expect(asked()).toBe(before)
  })

  test('does not undo a kick or a ban that came since', async () => {
    await stage.writer.join('r', 'bert')
    const first = await stage.client('bert', stage.edge())
    await first.request({ op: 'subscribe', room: 'r' })
    const ticket = await ticketOf(first)
    first.drop()
    await stage.writer.kick('r', 'bert')
    await stage.writer.say('r', 'after the kick')
    stage.history.failing = true
    const { client } = await back(ticket, 'bert')
    expect((await client.request({ op: 'subscribe', room: 'r' })).error.code).toBe('not_found')
    stage.history.failing = false
    await client.request({ op: 'subscribe', room: 'r', from: 1 })
    await client.next((frame) => frame.end?.room === 'r')
    expect(client.events('r').some(({ event }) => event.content?.body === 'after the kick')).toBe(false)
  })

  test('of a device that was signed out since ends with 4206 before any room is looked at', async () => {
    const first = await stage.client('anna', stage.edge())
    await first.request({ op: 'subscribe', room: 'r' })
    const ticket = await ticketOf(first)
    first.drop()
    await stage.writer.append('@anna', { type: 'device.revoked', sender: 'anna', key: 'd1' })
    const client = stage.socket(stage.edge())
    client.send({ id: 1, op: 'auth', token: 'anna', ticket })
    await until(() => client.socket.closed?.code === 4206)
  })

  test('that is not good for them says so and goes on without it', async () => {
    const first = await stage.client('anna', stage.edge())
    await first.request({ op: 'subscribe', room: 'r' })
    const ticket = await ticketOf(first)
    const refused = async (text: unknown, token = 'anna') => {
      const { client, answer } = await back(text as string, token)
      expect((await client.request({ op: 'ping' })).ok).toEqual({})
      return answer.ok.ticketRefused
    }
    expect(await refused(ticket, 'bert')).toBe('forbidden')
    expect(await refused(ticket, 'anna/d2')).toBe('forbidden')
    expect(await refused(ticket.slice(0, -3))).toBe('invalid')
    expect(await refused(17)).toBe('invalid')
    const [partition] = [stage.log.partitions]
    for (let p = 0; p < partition; p++) await stage.writer.incarnate('user.events', p)
    expect(await refused(ticket)).toBe('wrong_epoch')
    stage.clock.advance(3_700_000)
    expect(await refused(ticket)).toBe('expired')
  })

  test('comes with the bye of an edge that goes away', async () => {
    const first = await stage.client('anna', stage.edge())
    await first.request({ op: 'subscribe', room: 'r' })
    await ticketOf(first)
    first.session.bye(4000)
    const { bye } = await first.next((frame) => frame.bye)
    expect(bye.reason).toBe('drain')
    stage.history.failing = true
    const { client } = await back(bye.ticket)
    expect((await client.request({ op: 'subscribe', room: 'r' })).ok.seq).toBe(9)
  })
})
