import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, Stage, until } from './testing/stage.js'
import type { Written } from './testing/writer.js'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.close())

/** What the authority does: the membership event, then its follow-up in the inbox. */
async function join(room: string, user: string): Promise<Written> {
  const joined = await stage.writer.join(room, user)
  await tell(user, 'room.joined', joined)
  return joined
}

async function tell(user: string, type: string, { room, seq, offset, id }: Written, more: object = {}): Promise<Written> {
  return stage.writer.append(`@${user}`, { type, content: { room, partition: Number(id.split('-')[0]), offset, seq, ...more } })
}

async function removed(room: string, user: string, how: 'leave' | 'kick' = 'kick'): Promise<Written> {
  const removal = await stage.writer[how](room, user)
  await tell(user, 'room.left', removal, { reason: how === 'kick' ? 'kicked' : 'left' })
  return removal
}

async function rooms(...names: string[]): Promise<void> {
  for (const name of names) {
    await stage.writer.create(name)
    await join(name, 'ben')
  }
}

const all = (client: Client) => client.frames.filter((frame) => frame.event).map(({ event }) => `${event.room}:${event.seq}`)
const position = (client: Client) => client.frames.findLast((frame) => frame.position && !frame.event)?.position as string

async function synced(client: Client, frame: object = {}): Promise<any> {
  const answer = await client.request({ op: 'sync', ...frame })
  await client.next((candidate) => candidate.live && candidate.live.room === undefined)
  return answer
}

describe('sync', () => {
  test('is all rooms and the inbox, from now on', async () => {
    await rooms('a', 'b', 'c')
    const ben = await stage.client('ben')
    const answer = await synced(ben)
    expect(answer.ok).toMatchObject({ rooms: 3, position: expect.stringMatching(/^s1\./) })
    for (const room of ['c', 'a', 'b', 'a']) await stage.writer.say(room, 'x')
    await until(() => all(ben).length === 4)
    expect(all(ben).sort()).toEqual(['a:6', 'a:7', 'b:6', 'c:6'])
    await tell('ben', 'room.invited', await stage.writer.say('a', 'y'))
    await ben.next((frame) => frame.event?.room === '@ben')
  })

  test('resumes every room and the inbox, with nothing lost and nothing twice', async () => {
    await rooms('a', 'b', 'c')
    const first = await stage.client('ben')
    await synced(first)
    const position = first.frames.findLast((frame) => frame.position)?.position
    first.drop()
    for (const room of ['a', 'b', 'a']) await stage.writer.say(room, 'x')
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position })
    expect(all(second).sort()).toEqual(['a:6', 'a:7', 'b:6'])
  })

  test('event positions since the composite move their own rooms only', async () => {
    await rooms('a', 'b')
    const first = await stage.client('ben')
    await synced(first)
    const composite = position(first)
    const written = [await stage.writer.say('a', '1'), await stage.writer.say('b', '2'), await stage.writer.say('a', '3')]
    first.drop()
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: [composite, written[0]!.position] })
    expect(all(second).sort()).toEqual(['a:7', 'b:6'])
  })

  test('a join while away, and one while live, bring the room in from its join', async () => {
    await rooms('a')
    const first = await stage.client('ben')
    await synced(first)
    const composite = position(first)
    first.drop()
    await stage.writer.create('b')
    await stage.writer.say('b', 'before')
    const joined = await join('b', 'ben')
    await stage.writer.say('b', 'after')
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: composite })
    await second.next((frame) => frame.event?.room === 'b' && frame.event.seq === joined.seq + 1)
    expect(second.seqs('b')).toEqual([joined.seq, joined.seq + 1])
    await stage.writer.create('c')
    const live = await join('c', 'ben')
    await second.next((frame) => frame.event?.room === 'c' && frame.event.seq === live.seq)
    await stage.writer.say('c', 'on')
    await second.next((frame) => frame.event?.room === 'c' && frame.event.seq === live.seq + 1)
  })

  test('a newer position of the inbox does not skip what was joined before it', async () => {
    await rooms('a')
    const first = await stage.client('ben')
    await synced(first)
    const composite = position(first)
    first.drop()
    await stage.writer.create('b')
    const joined = await stage.writer.join('b', 'ben')
    const told = await tell('ben', 'room.joined', joined)
    await stage.writer.say('b', 'after')
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: [composite, told.position] })
    await second.next((frame) => frame.event?.room === 'b' && frame.event.seq === joined.seq + 1)
    expect(second.seqs('b')).toEqual([joined.seq, joined.seq + 1])
    expect(second.seqs('@ben')).toEqual([])
  })

  test('a removal ends the room at its seq, live and while away', async () => {
    await rooms('a', 'b')
    const first = await stage.client('ben')
    await synced(first)
    const composite = position(first)
    const kick = await removed('a', 'ben')
    expect((await first.next((frame) => frame.end)).end).toMatchObject({ room: 'a', reason: 'kicked', seq: kick.seq })
    await stage.writer.say('a', 'after')
    await stage.writer.say('b', 'on')
    await first.next((frame) => frame.event?.room === 'b')
    expect(first.seqs('a')).toEqual([kick.seq])
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: composite })
    await second.next((frame) => frame.end?.room === 'a')
    expect(second.seqs('a')).toEqual([kick.seq])
  })

  test('who left and came back while away misses nothing of either time', async () => {
    await rooms('a')
    await stage.writer.history('a', 'joined')
    const first = await stage.client('ben')
    await synced(first)
    const composite = position(first)
    first.drop()
    await stage.writer.say('a', '1')
    const left = await removed('a', 'ben', 'leave')
    await stage.writer.say('a', 'unseen')
    const back = await join('a', 'ben')
    await stage.writer.say('a', '2')
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: composite })
    await second.next((frame) => frame.event?.seq === back.seq + 1)
    expect(second.seqs('a')).toEqual([left.seq - 1, left.seq, back.seq, back.seq + 1])
  })

  test('a composite names who is behind', async () => {
    await rooms('a', 'b')
    const first = await stage.client('ben', undefined, { bytesMax: 2_000 })
    await synced(first)
    first.socket.stall()
    for (let i = 0; i < 30; i++) await stage.writer.say('a', `message ${i}`)
    await until(() => first.socket.full)
    stage.clock.advance(5_000)
    first.drop()
    const composite = position(first)
    const second = await stage.client('ben', stage.edge())
    await synced(second, { position: composite })
    expect(second.seqs('a')).toEqual(Array.from({ length: 30 }, (_, i) => i + 6))
  })

  test('composite positions come every few seconds, when there is something new', async () => {
    await rooms('a')
    const ben = await stage.client('ben')
    await synced(ben)
    const before = position(ben)
    stage.clock.advance(5_000)
    expect(position(ben)).toBe(before)
    await stage.writer.say('a', 'x')
    await ben.next((frame) => frame.event)
    stage.clock.advance(5_000)
    expect(position(ben)).not.toBe(before)
  })

  test('a position of another log is a reset; one that is none is invalid', async () => {
    await rooms('a')
    const ben = await stage.client('ben')
    await synced(ben)
    const composite = position(ben)
    const foreign = await Stage.open()
    await foreign.writer.append('@ben', { type: 'room.invited' })
    const other = await foreign.client('ben')
    await other.request({ op: 'sync', position: composite })
    expect((await other.next((frame) => frame.reset)).reset.reason).toBe('wrong_epoch')
    await other.next((frame) => frame.live)
    expect((await other.request({ op: 'sync', position: 'nonsense' })).error.code).toBe('invalid')
    await foreign.close()
  })

  test('an unsubscribe without a room ends it', async () => {
    await rooms('a')
    const ben = await stage.client('ben')
    await synced(ben)
    expect((await ben.request({ op: 'unsubscribe' })).ok).toBeDefined()
    await stage.writer.say('a', 'x')
    await new Promise((resolve) => setImmediate(resolve))
    expect(all(ben)).toEqual([])
  })
})

test('a session follows its own inbox by itself', async () => {
  await stage.writer.create('a')
  const ben = await stage.client('ben')
  await new Promise((resolve) => setImmediate(resolve))
  await join('a', 'ben')
  const frame = await ben.next((candidate) => candidate.event)
  expect(frame).toMatchObject({ event: { room: '@ben', type: 'room.joined', seq: 1 }, after: 0 })
})
