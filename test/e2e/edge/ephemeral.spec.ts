/** Signals, typing and presence: to whoever is there, over all edges, never stored. */
import { expect, test } from 'vitest'
import type { WireSocket } from '../../harness/socket.ts'
import { eventually, otherUrl, Person, unique, url } from '../world.ts'

async function two() {
  const anna = await Person.named('anna')
  const bert = await Person.named('bert')
  const room = await anna.createRoom({ access: 'public' })
  await bert.http.done(`/v1/rooms/${room}/join`)
  const [first, second] = [await anna.socket(url), await bert.socket(otherUrl)]
  await first.ok({ op: 'subscribe', room })
  await second.ok({ op: 'subscribe', room })
  // What is said before the other edge listens is nobody's.
  await eventually(async () => {
    await first.ok({ op: 'signal', room, type: 'app.hello' })
    await second.ok({ op: 'signal', room, type: 'app.hello' })
    return [first, second].every((socket) => socket.frames.some((frame) => frame.signal?.type === 'app.hello'))
  })
  return { anna, bert, room, first, second }
}

const signals = (socket: WireSocket, type: string) => socket.frames.flatMap((frame) => (frame.signal?.type === type ? [frame.signal] : []))

test('a signal reaches those who are there, with its content as it was sent, and nobody afterwards', async () => {
  const { anna, room, first, second } = await two()
  first.send(`{"id":"s","op":"signal","room":"${room}","type":"cursor.moved","content":{"x": 12345678901234567890}}`)
  await second.next((frame) => frame.signal?.type === 'cursor.moved')
  expect(second.texts.at(-1)).toContain('"content":{"x": 12345678901234567890}')
  const late = await anna.socket(otherUrl)
  await late.ok({ op: 'subscribe', room, from: 1 })
  await late.next((frame) => frame.live?.room === room)
  expect(signals(late, 'cursor.moved')).toEqual([])
})

test('a stranger may not signal, nor ask who is there', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom()
  const stranger = await Person.named('carl')
  const socket = await stranger.socket()
  expect((await socket.request({ op: 'signal', room, type: 'x' })).error.code).toBe('not_found')
  expect((await stranger.http.post(`/v1/rooms/${room}/typing`)).status).toBe(404)
  expect((await stranger.http.get(`/v1/rooms/${room}/presence`)).status).toBe(404)
  expect((await stranger.http.get(`/v1/rooms/${unique('none')}/presence`)).status).toBe(404)
})

test('typing over HTTP is told once and ends by itself', async () => {
  const { anna, room, second } = await two()
  expect((await anna.http.post(`/v1/rooms/${room}/typing`, { timeoutMs: 1_000 })).status).toBe(200)
  await anna.http.post(`/v1/rooms/${room}/typing`, { timeoutMs: 1_000 })
  await eventually(() => signals(second, 'typing').length >= 2)
  expect(signals(second, 'typing').map(({ users }) => users)).toEqual([[anna.id], []])
})

test('presence is known on both edges within a second of a change', async () => {
  const { anna, bert, room, second } = await two()
  const of = async (person: Person, user: string) => {
    const answer = await person.http.get(`/v1/rooms/${room}/presence`)
    return answer.body.users?.find((one: any) => one.user === user)?.presence
  }
  await eventually(async () => (await of(anna, bert.id)) === 'online')
  const before = Date.now()
  await second.ok({ op: 'setPresence', presence: 'away' })
  await eventually(async () => (await of(anna, bert.id)) === 'away')
  expect(Date.now() - before).toBeLessThan(1_000)
  expect((await bert.http.put('/v1/presence', { presence: 'nonsense' })).status).toBe(422)
})
