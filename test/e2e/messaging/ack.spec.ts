import { expect, test } from 'vitest'
import { Caller } from '../../harness/http.ts'
import { eventually, otherUrl, Person, tokens } from '../world.ts'

async function talk() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  /** The counts, when the projection has seen this. */
  const counts = (position: string) =>
    eventually(async () => {
      const { body } = await ben.http.get(`/v1/rooms?atLeast=${position}`)
      const found = body.rooms.find((one: any) => one.room === room)
      return found && [found.unread, found.mentions, found.marker?.seq]
    })
  return { anna, ben, room, counts }
}

test('an ack moves the marker, and what is unread is counted from there, on every device', async () => {
  const { anna, ben, room, counts } = await talk()
  const otherDevice = await ben.socket(otherUrl, await tokens.user(ben.id, 'd2'))
  await otherDevice.ok({ op: 'sync' })
  const said = [
    await anna.http.publish(room, '1'),
    await anna.http.publish(room, '2', { mentions: [ben.id] }),
    await anna.http.publish(room, '3'),
  ]
  expect(await counts(said[2].position)).toEqual([3, 1, undefined])
  const answer = await ben.http.done(`/v1/rooms/${room}/ack`, { event: said[1].event })
  expect(answer).toMatchObject({ room: `@${ben.id}`, marker: { room, event: said[1].event, seq: said[1].seq } })
  const marker = await otherDevice.next((frame) => frame.event?.type === 'room.marker')
  expect(marker.event).toMatchObject({ id: answer.event, key: room, content: { seq: said[1].seq, event: said[1].event } })
  expect(await counts(answer.position)).toEqual([1, 0, said[1].seq])
})

test('a marker never moves back, and acks in quick succession are one', async () => {
  const { anna, ben, room, counts } = await talk()
  const said = []
  for (let i = 0; i < 4; i++) said.push(await anna.http.publish(room, `${i}`))
  const inbox = await ben.subscribed(`@${ben.id}`)
  const last = await ben.http.done(`/v1/rooms/${room}/ack`, { event: said[3].event })
  const socket = await ben.socket()
  const back = await Promise.all([
    ben.http.done(`/v1/rooms/${room}/ack`, { event: said[0].event }),
    ben.http.done(`/v1/rooms/${room}/ack`, { event: said[1].event }),
    socket.ok({ op: 'do', type: 'room.ack', room, event: said[2].event }),
  ])
  for (const answer of back) expect([answer.event, answer.seq]).toEqual([last.event, last.seq])
  expect(await counts(last.position)).toEqual([0, 0, said[3].seq])
  expect(inbox.events(`@${ben.id}`).filter(({ event }) => event.type === 'room.marker')).toHaveLength(1)
})

test('without an event an ack is up to the latest; only who may read a room acks it', async () => {
  const { anna, ben, room, counts } = await talk()
  const said = await anna.http.publish(room, 'hello')
  await counts(said.position)
  const answer = await ben.http.done(`/v1/rooms/${room}/ack`)
  expect(answer.marker.seq).toBe(said.seq)
  const hidden = await anna.createRoom()
  const refused = await ben.http.post(`/v1/rooms/${hidden}/ack`)
  expect([refused.status, refused.body.error.code]).toEqual([404, 'not_found'])
  const other = await anna.http.publish(hidden, 'secret')
  expect((await ben.http.post(`/v1/rooms/${room}/ack`, { event: other.event })).status).toBe(404)
  expect((await new Caller(otherUrl, null).post(`/v1/rooms/${room}/ack`)).status).toBe(401)
})

test('initial sync has the counts, too', async () => {
  const { anna, ben, room, counts } = await talk()
  const said = await anna.http.publish(room, 'look', { mentions: [ben.id] })
  await counts(said.position)
  const { body } = await ben.http.get('/v1/initialSync')
  expect(body.rooms.find((one: any) => one.room === room)).toMatchObject({ unread: 1, mentions: 1 })
})
