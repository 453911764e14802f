/** Real HTTP and PostgreSQL, the log in memory. */
import type { RoomEvent } from '@roomlog/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stopServer } from './testing/archive.js'
import { startService, type TestService } from './testing/service.js'

let service: TestService
beforeAll(async () => {
  service = await startService()
})
afterAll(async () => {
  await service?.close()
  await stopServer()
})

let rooms = 0

/** A room of anna's that ben has joined after three messages. */
async function talk() {
  const [room, ben] = [`unread-${++rooms}`, `ben-${rooms}`]
  const { writer } = service
  await writer.create(room, 'anna')
  for (let i = 0; i < 3; i++) await writer.say(room, 'anna', `before ${i}`)
  const [join] = await writer.append({ room, type: 'member.join', user: ben, sender: { id: ben } })
  await joined(ben, join!)
  return { room, ben, writer }
}

async function joined(user: string, { room, id, seq }: RoomEvent): Promise<void> {
  const [partition, offset] = id.split('-').map(Number)
  const content = JSON.stringify({ room, partition, offset, seq })
  await service.writer.append({ room: `@${user}`, type: 'room.joined', sender: { id: user }, content })
}

const mark = (user: string, { room, id, seq }: RoomEvent) =>
  service.writer.append({
    room: `@${user}`,
    type: 'room.marker',
    key: room,
    sender: { id: user },
    content: JSON.stringify({ seq, event: id }),
  })

async function listed(room: string, user: string): Promise<any> {
  const at = [await service.caughtUp(room), await service.caughtUp(`@${user}`)]
  const reader = await service.as(user)
  await reader.get(`/v1/rooms?atLeast=${at[0]}`)
  const { body } = await reader.get(`/v1/rooms?atLeast=${at[1]}`)
  const synced = await reader.get('/v1/initialSync')
  const [inList, inSync] = [body, synced.body].map((answer) => answer.rooms.find((one: any) => one.room === room))
  expect(inSync).toEqual(inList)
  return inList
}

describe('unread counts', () => {
  it('begin at the join, and count messages of others only', async () => {
    const { room, ben, writer } = await talk()
    expect(await listed(room, ben)).toMatchObject({ unread: 0, mentions: 0 })
    const hello = await writer.say(room, 'anna', 'one')
    await writer.append({ room, type: 'room.topic', key: '', content: '{"value":"T"}' })
    await writer.append({ room, type: 'member.invite', user: 'carl' })
    await writer.append({ room, type: 'msg.reaction', ref: hello.id, content: '{"key":"x"}' })
    await writer.append({ room, type: 'msg.edit', ref: hello.id, content: '{}' })
    await writer.append({ room, type: 'app.order.shipped', content: '{}' })
    await writer.say(room, ben, 'own')
    const shown = await listed(room, ben)
    expect(shown).toMatchObject({ unread: 2, mentions: 0 })
    expect(shown).not.toHaveProperty('marker')
    expect(shown).not.toHaveProperty('unreadMore')
  })

  it('count on from the marker, without what was deleted', async () => {
    const { room, ben, writer } = await talk()
    const read = await writer.say(room, 'anna', 'read')
    await mark(ben, read)
    const gone = await writer.say(room, 'anna', 'gone', { mentions: [ben] })
    await writer.say(room, 'anna', 'both of you', { mentions: [ben, '@room'] })
    await writer.say(room, 'anna', 'all', { mentions: ['@room'] })
    await writer.say(room, ben, 'I, too', { mentions: ['@room', ben] })
    await writer.append({ room, type: 'msg.delete', ref: gone.id, erases: gone.seq })
    expect(await listed(room, ben)).toMatchObject({ unread: 2, mentions: 2, marker: { event: read.id, seq: read.seq } })
  })

  it('have a bound, and say where they met it', async () => {
    const { room, ben, writer } = await talk()
    await writer.append(...Array.from({ length: 501 }, () => ({ room, type: 'msg.text', sender: { id: 'anna' }, content: '{}' })))
    expect(await listed(room, ben)).toMatchObject({ unread: 500, unreadMore: true })
  })
})

describe('where a marker goes', () => {
  const marked = async (room: string, query: string) => service.service.get(`/internal/rooms/${room}/marker?${query}`)

  it('is the event named, or the last that the user may see', async () => {
    const { room, ben, writer } = await talk()
    const first = await writer.say(room, 'anna', 'first')
    const last = await writer.say(room, 'anna', 'last')
    await listed(room, ben)
    expect((await marked(room, `user=${ben}`)).body).toEqual({ event: last.id, seq: last.seq })
    expect((await marked(room, `user=${ben}&event=${first.id}`)).body).toEqual({ event: first.id, seq: first.seq })
    expect((await marked(room, `user=${ben}&event=0-1-aaaaaaaa`)).status).toBe(404)
    expect((await marked(room, 'user=carl')).status).toBe(404)
    expect((await marked(room, 'user=carl&reads=1')).body).toEqual({ event: last.id, seq: last.seq })
    const [left] = await writer.append({ room, type: 'member.leave', user: ben, sender: { id: ben } })
    const after = await writer.say(room, 'anna', 'after')
    await (await service.as('anna')).get(`/v1/rooms/${room}?atLeast=${await service.caughtUp(room)}`)
    expect((await marked(room, `user=${ben}`)).body).toEqual({ event: left!.id, seq: left!.seq })
    expect((await marked(room, `user=${ben}&event=${after.id}`)).status).toBe(404)
  })
})
