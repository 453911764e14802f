/** Real HTTP and PostgreSQL, the log in memory. */
import type { RoomEvent } from '@roomlog/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textOf } from './store/words.js'
import { stopServer, until } from './testing/archive.js'
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
const freshRoom = () => `searched-${++rooms}`

async function search(user: string, q: string, query = ''): Promise<any> {
  const reader = await service.as(user)
  const { status, body } = await reader.get(`/v1/search?q=${encodeURIComponent(q)}${query}`)
  expect([status, body.error]).toEqual([200, undefined])
  return body
}

const found = async (user: string, q: string, query = '') => (await search(user, q, query)).events.map(({ content }: any) => content.body)

/** Resolves when the words of the room's last message are found. */
async function indexed(room: string, user = 'anna'): Promise<void> {
  const { id }: RoomEvent = await service.writer.say(room, user, 'lastword')
  await until(async () => (await search(user, 'lastword', `&rooms=${room}`)).events.some((event: any) => event.id === id))
}

describe('search', () => {
  it('finds messages by their words, the newest first, with their bytes and position', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    await writer.say(room, 'anna', 'The quick brown fox')
    await writer.say(room, 'ben', 'a slow brown snail')
    const content = '{"text":"brown \\u0000 text","n":1e400}'
    const [last] = await writer.append({ room, type: 'msg.note', content })
    await writer.append({ room, type: 'app.note', content })
    await writer.append({ room, type: 'room.topic', key: '', content: '{"value":"brown"}' })
    await indexed(room)
    expect(await found('anna', 'BROWN')).toEqual([undefined, 'a slow brown snail', 'The quick brown fox'])
    expect(await found('anna', '"quick brown"')).toEqual(['The quick brown fox'])
    expect(await found('anna', 'brown -fox -text')).toEqual(['a slow brown snail'])
    expect(await found('anna', 'fox or snail')).toHaveLength(2)
    expect((await search('anna', 'text')).events[0]).toMatchObject({ id: last!.id, room, position: expect.any(String) })
    expect(await found('anna', '\u0000!&')).toEqual([])
  })

  it('is filtered by room, sender, type and time, and read page by page', async () => {
    const { writer } = service
    const [one, other] = [freshRoom(), freshRoom()]
    const said: RoomEvent[] = []
    for (const room of [one, other]) {
      await writer.create(room, 'anna')
      for (let i = 0; i < 4; i++) said.push(await writer.say(room, i % 2 ? 'anna' : 'ben', `zebra ${room} ${i}`))
    }
    await indexed(one)
    await indexed(other)
    expect(await found('anna', 'zebra', `&rooms=${one}`)).toHaveLength(4)
    expect(await found('anna', 'zebra', '&senders=ben')).toHaveLength(4)
    expect(await found('anna', 'zebra', '&types=msg.n*')).toEqual([])
    expect(await found('anna', 'zebra', `&after=${said[6]!.at}`)).toHaveLength(2)
    expect(await found('anna', 'zebra', `&before=${said[1]!.at}`)).toHaveLength(1)
    const pages: string[] = []
    for (let before = ''; ; ) {
      const { events, next } = await search('anna', 'zebra', `&limit=3${before}`)
      pages.push(...events.map(({ id }: any) => id))
      if (next === undefined) break
      before = `&before=${encodeURIComponent(next)}`
    }
    expect(pages).toEqual(said.map(({ id }) => id).reverse())
    const anna = await service.as('anna')
    expect((await anna.get('/v1/search?q=x&before=soon')).body.error).toMatchObject({ code: 'invalid', field: 'before' })
  })

  it('finds what one may see, and nothing else', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { history: 'joined' })
    await writer.say(room, 'anna', 'giraffe before')
    await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben' } })
    await writer.say(room, 'anna', 'giraffe between')
    await writer.append({ room, type: 'member.leave', user: 'ben', sender: { id: 'ben' } })
    await writer.say(room, 'anna', 'giraffe after')
    await indexed(room)
    expect(await found('anna', 'giraffe')).toEqual(['giraffe after', 'giraffe between', 'giraffe before'])
    expect(await found('ben', 'giraffe')).toEqual(['giraffe between'])
    expect(await found('carl', 'giraffe', `&rooms=${room}`)).toEqual([])
    await writer.append({ room, type: 'room.deleted' })
    await (await service.as('anna')).get(`/v1/rooms?atLeast=${await service.caughtUp(room)}`)
    expect(await found('anna', 'giraffe', `&rooms=${room}`)).toEqual([])
  })

  it('never finds deleted words, nor those of their edits, and does not keep them', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    const message = await writer.say(room, 'anna', 'walrus')
    await writer.append({ room, type: 'msg.edit', ref: message.id, content: '{"body":"walrus, edited"}' })
    await indexed(room)
    expect(await found('anna', 'walrus')).toEqual(['walrus, edited', 'walrus'])
    await writer.append({ room, type: 'msg.delete', ref: message.id, erases: message.seq, content: '{"reason":"walrus"}' })
    const anna = await service.as('anna')
    await anna.get(`/v1/rooms?atLeast=${await service.caughtUp(room)}`)
    expect(await found('anna', 'walrus')).toEqual([])
    const quick = await writer.append(
      { room, type: 'msg.text', content: '{"body":"ocelot"}' },
      { room, type: 'msg.text', content: '{"body":"kept"}' },
    )
    await writer.append({ room, type: 'msg.delete', ref: quick[0]!.id, erases: quick[0]!.seq })
    await indexed(room)
    expect(await found('anna', 'ocelot')).toEqual([])
    expect(await found('anna', 'kept')).toEqual(['kept'])
  })

  it('never looks into what is marked encrypted', async () => {
    const { writer } = service
    const [sealed, open] = [freshRoom(), freshRoom()]
    for (const room of [sealed, open]) await writer.create(room, 'anna')
    await writer.append({ room: sealed, type: 'room.mode', key: '', content: '{"encrypted": true}' })
    await writer.say(sealed, 'anna', 'panther')
    await writer.append({ room: open, type: 'msg.encrypted', content: '{"body":"panther"}' })
    await writer.say(open, 'anna', 'panther in the open')
    await indexed(open)
    expect(await found('anna', 'panther')).toEqual(['panther in the open'])
    await writer.append({ room: open, type: 'room.mode', key: '', content: '{"encrypted": true}' })
    await (await service.as('anna')).get(`/v1/rooms?atLeast=${await service.caughtUp(open)}`)
    expect(await found('anna', 'panther')).toEqual([])
  })
})

describe('the text of a content', () => {
  it('is its body, else its text, and nothing else', () => {
    expect(textOf('{"body":"b","text":"t"}')).toBe('b')
    expect(textOf('{"text":"t"}')).toBe('t')
    for (const none of ['{}', '[]', 'null', '1', '"body"', '{"body":""}', '{"body":{"text":"x"}}']) expect(textOf(none)).toBeUndefined()
    expect(textOf('{"body":"a\\u0000\\ud800"}')).toBe('a \ufffd')
    expect(textOf(JSON.stringify({ body: 'x'.repeat(30_000) }))).toHaveLength(20_000)
  })
})
