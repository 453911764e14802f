import { expect, test } from 'vitest'
import { eventually, Person } from '../world.ts'

async function talk() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  const message = await anna.http.publish(room, 'hello')
  const react = (who: Person, key: string, type = 'msg.reaction') =>
    who.http.post(`/v1/rooms/${room}/events`, { type, ref: message.event, content: { key } })
  const reactions = async (who: Person, atLeast: string) => {
    const { body } = await who.http.get(`/v1/rooms/${room}/events?atLeast=${atLeast}`)
    return body.events.find((event: any) => event.id === message.event).reactions
  }
  return { anna, ben, room, message, react, reactions }
}

test('a reaction reaches everybody, and history shows reactions as sets beside the message', async () => {
  const { anna, ben, room, message, react, reactions } = await talk()
  const socket = await ben.subscribed(room)
  const given = await react(anna, '👍')
  expect(given.status).toBe(200)
  const frame = await socket.next((frame) => frame.event?.id === given.body.event)
  expect(frame.event).toMatchObject({ type: 'msg.reaction', ref: message.event, content: { key: '👍' } })
  const last = (await react(ben, '👍')).body
  expect(await reactions(ben, last.position)).toEqual([{ key: '👍', count: 2, users: [anna.id, ben.id], me: true }])
})

test('the same reaction twice is refused, until it is taken back', async () => {
  const { anna, react, reactions } = await talk()
  expect((await react(anna, '👍')).status).toBe(200)
  const again = await react(anna, '👍')
  expect([again.status, again.body.error]).toMatchObject([409, { code: 'duplicate_reaction', retriable: false }])
  const back = (await react(anna, '👍', 'msg.unreact')).body
  expect(await reactions(anna, back.position)).toBeUndefined()
  expect((await react(anna, '👍')).status).toBe(200)
})

test('of many equal reactions at once one is taken', async () => {
  const { anna, react } = await talk()
  const statuses = (await Promise.all(Array.from({ length: 10 }, () => react(anna, 'once')))).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 409)).toHaveLength(9)
})

test('a reaction needs a key and a message that is there', async () => {
  const { anna, room, message, react } = await talk()
  expect((await react(anna, '')).body.error).toMatchObject({ code: 'invalid', field: 'content.key' })
  const noMessage = await anna.http.post(`/v1/rooms/${room}/events`, { type: 'msg.reaction', content: { key: 'x' } })
  expect(noMessage.body.error).toMatchObject({ code: 'invalid', field: 'ref' })
  await anna.http.done(`/v1/rooms/${room}/events`, { type: 'msg.delete', ref: message.event, content: {} })
  await eventually(async () => (await react(anna, 'x')).body.error?.code === 'not_found')
})
