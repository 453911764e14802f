/** Who may see what: four history modes × join, leave, kick; each live and on replay. The expectation is written out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, Stage } from './testing/stage.js'

const modes = ['world', 'shared', 'invited', 'joined'] as const

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.close())

const bodies = (client: Client) => client.events('r').flatMap(({ event }) => (event.content?.body ? [event.content.body] : []))

/** What ben gets from the beginning: the words, or the code of the refusal; from a warm edge and from cold ones. */
async function replay(): Promise<string[]> {
  const results: string[] = []
  for (const recordsMax of [50_000, 0]) {
    const edge = stage.edge()
    Object.assign(edge.limits, { replayRecords: recordsMax })
    const ben = await stage.client('ben', edge)
    const answer = await ben.request({ op: 'subscribe', room: 'r', from: 1 })
    if (answer.error) results.push(answer.error.code)
    else {
      await ben.next((frame) => frame.live || frame.end)
      results.push(bodies(ben).join(' '))
    }
  }
  expect(results[1]).toBe(results[0])
  return results[0]!.split(' ')
}

describe.each(modes)('history %s', (history) => {
  beforeEach(async () => {
    await stage.writer.create('r', { access: 'public', history })
    await stage.writer.say('r', 'before')
  })

  test('join', async () => {
    await stage.writer.invite('r', 'ben')
    await stage.writer.say('r', 'invited')
    await stage.writer.join('r', 'ben')
    const ben = await stage.client('ben')
    await ben.request({ op: 'subscribe', room: 'r' })
    await stage.writer.say('r', 'joined')
    await ben.next((frame) => frame.event?.content?.body === 'joined')
    expect(bodies(ben)).toEqual(['joined'])
    expect(await replay()).toEqual(
      {
        world: ['before', 'invited', 'joined'],
        shared: ['before', 'invited', 'joined'],
        invited: ['invited', 'joined'],
        joined: ['joined'],
      }[history],
    )
  })

  test.each([
    ['leave', 'left'],
    ['kick', 'kicked'],
    ['ban', 'banned'],
  ] as const)('%s', async (how, reason) => {
    await stage.writer.join('r', 'ben')
    const ben = await stage.client('ben')
    await ben.request({ op: 'subscribe', room: 'r' })
    await stage.writer.say('r', 'joined')
    const removal = await stage.writer[how]('r', 'ben')
    await stage.writer.say('r', 'after')
    expect((await ben.next((frame) => frame.end)).end).toEqual({ room: 'r', reason, seq: removal.seq })
    expect(ben.seqs('r').at(-1)).toBe(removal.seq)
    expect(bodies(ben)).toEqual(['joined'])
    expect(await replay()).toEqual(
      { world: ['before', 'joined', 'after'], shared: ['before', 'joined'], invited: ['joined'], joined: ['joined'] }[history],
    )
  })
})

test('who was removed while away gets what was theirs, and the end at its seq', async () => {
  await stage.writer.create('r')
  await stage.writer.join('r', 'ben')
  const { position } = await stage.writer.say('r', 'one')
  await stage.writer.say('r', 'two')
  const kick = await stage.writer.kick('r', 'ben')
  await stage.writer.say('r', 'three')
  const ben = await stage.client('ben')
  expect((await ben.request({ op: 'subscribe', room: 'r', position })).ok).toMatchObject({ room: 'r', seq: kick.seq })
  expect((await ben.next((frame) => frame.end)).end).toEqual({ room: 'r', reason: 'kicked', seq: kick.seq })
  expect(ben.seqs('r')).toEqual([7, 8])
})

test('what the edge knows of persistence may be old: the log up to its end decides', async () => {
  await stage.writer.create('r')
  await stage.writer.say('r', 'one')
  const all = 100
  stage.history.lag = all
  await stage.writer.join('r', 'ben')
  const ben = await stage.client('ben')
  expect((await ben.request({ op: 'subscribe', room: 'r' })).ok).toMatchObject({ seq: 6 })
  await stage.writer.ban('r', 'ben')
  const again = await stage.client('ben', stage.edge())
  expect((await again.request({ op: 'subscribe', room: 'r' })).error.code).toBe('not_found')
})

test('an unknown room and a forbidden room look the same', async () => {
  await stage.writer.create('secret')
  const ben = await stage.client('ben')
  const [forbidden, unknown] = [
    await ben.request({ op: 'subscribe', room: 'secret', from: 1 }),
    await ben.request({ op: 'subscribe', room: 'unknown', from: 1 }),
  ]
  expect(forbidden.error).toEqual(unknown.error)
  expect(forbidden.error.code).toBe('not_found')
})

test('a change of visibility takes effect at its seq', async () => {
  await stage.writer.create('r', { access: 'public', history: 'world' })
  const passer = await stage.client('carl')
  await passer.request({ op: 'subscribe', room: 'r' })
  await stage.writer.say('r', 'open')
  const closing = await stage.writer.history('r', 'joined')
  await stage.writer.say('r', 'closed')
  expect((await passer.next((frame) => frame.end)).end).toEqual({ room: 'r', reason: 'forbidden', seq: closing.seq })
  expect(bodies(passer)).toEqual(['open'])
})

test('a grant of the token reads as if the room were the world’s; a ban wins over it', async () => {
  await stage.writer.create('r', { history: 'joined' })
  const guest = await stage.client('guest/d1/r')
  await guest.request({ op: 'subscribe', room: 'r', from: 1 })
  await guest.next((frame) => frame.live)
  expect(guest.seqs('r')).toEqual([1, 2, 3, 4])
  const ban = await stage.writer.ban('r', 'guest')
  await stage.writer.say('r', 'after')
  expect((await guest.next((frame) => frame.end)).end).toMatchObject({ reason: 'banned', seq: ban.seq })
  expect(guest.seqs('r')).toEqual([1, 2, 3, 4])
})

test('who loses a grant by a refreshed token loses what it opened', async () => {
  await stage.writer.create('r')
  const guest = await stage.client('guest/d1/r')
  await guest.request({ op: 'subscribe', room: 'r' })
  await guest.request({ op: 'auth', token: 'guest/d1' })
  expect((await guest.next((frame) => frame.end)).end).toMatchObject({ room: 'r', reason: 'forbidden' })
})

test('without a token only rooms that are public and whose history is the world’s are open', async () => {
  await stage.writer.create('open', { access: 'public', history: 'world' })
  await stage.writer.create('closed', { access: 'limited', history: 'world' })
  const nobody = stage.socket()
  expect((await nobody.request({ op: 'auth' })).ok).toEqual({ anonymous: true })
  expect((await nobody.request({ op: 'subscribe', room: 'open', from: 1 })).ok).toMatchObject({ seq: 4 })
  expect((await nobody.request({ op: 'subscribe', room: 'closed' })).error.code).toBe('not_found')
})

test('a deleted room ends its subscriptions with the deletion', async () => {
  await stage.writer.create('r')
  const anna = await stage.client('anna')
  await anna.request({ op: 'subscribe', room: 'r' })
  const deletion = await stage.writer.append('r', { type: 'room.deleted', content: { why: 'done' } })
  expect((await anna.next((frame) => frame.end)).end).toEqual({ room: 'r', reason: 'deleted', seq: deletion.seq })
  expect(anna.seqs('r')).toEqual([deletion.seq])
  const late = await stage.client('anna', stage.edge())
  expect((await late.request({ op: 'subscribe', room: 'r' })).error.code).toBe('not_found')
})

test('an inbox is read by its user only', async () => {
  await stage.writer.append('@anna', { type: 'room.joined', content: { room: 'r' } })
  const [anna, ben] = [await stage.client('anna'), await stage.client('ben/d1/@anna')]
  expect((await anna.request({ op: 'subscribe', room: '@anna', from: 1 })).ok).toMatchObject({ seq: 1 })
  expect((await ben.request({ op: 'subscribe', room: '@anna' })).error.code).toBe('not_found')
})
