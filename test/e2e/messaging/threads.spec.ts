import { expect, test } from 'vitest'
import { Person } from '../world.ts'

async function talk() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  return { anna, ben, room, root: await anna.http.publish(room, 'shall we?') }
}

test('a thread is summed up at its root, and read by itself', async () => {
  const { anna, ben, room, root } = await talk()
  const first = await ben.http.publish(room, 'yes', { thread: root.event })
  await ben.http.publish(room, 'something else')
  const last = await anna.http.publish(room, 'good', { thread: root.event, ref: first.event })
  const all = await ben.http.get(`/v1/rooms/${room}/events?atLeast=${last.position}`)
  const shown = all.body.events.find((event: any) => event.id === root.event)
  expect(shown.threadSummary).toMatchObject({ count: 2, last: { id: last.event, content: { body: 'good' }, position: last.position } })
  const thread = await ben.http.get(`/v1/rooms/${room}/events?thread=${root.event}`)
  expect(thread.body.events.map((event: any) => [event.id, event.thread])).toEqual([
    [first.event, root.event],
    [last.event, root.event],
  ])
})

test('a thread begins at a message that is not itself in a thread', async () => {
  const { anna, room, root } = await talk()
  const inside = await anna.http.publish(room, 'in', { thread: root.event })
  const nested = await anna.http.post(`/v1/rooms/${room}/events`, { type: 'msg.text', content: {}, thread: inside.event })
  expect(nested.body.error).toMatchObject({ code: 'invalid', field: 'thread' })
})

test('members are mentioned by anybody, everybody only with the power for it', async () => {
  const { anna, ben, room } = await talk()
  const socket = await anna.subscribed(room)
  const said = await ben.http.publish(room, 'look', { mentions: [anna.id] })
  expect((await socket.next((frame) => frame.event?.id === said.event)).event.mentions).toEqual([anna.id])
  const wish = { type: 'msg.text', content: {}, mentions: ['@room'] }
  expect((await ben.http.post(`/v1/rooms/${room}/events`, wish)).body.error).toMatchObject({ code: 'forbidden', field: 'mentions' })
  expect((await anna.http.post(`/v1/rooms/${room}/events`, wish)).status).toBe(200)
})
