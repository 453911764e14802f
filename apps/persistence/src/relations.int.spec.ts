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

async function talk() {
  const room = `related-${++rooms}`
  const { writer } = service
  await writer.create(room, 'anna')
  await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben' } })
  const hello = await writer.say(room, 'anna', 'hello')
  const react = (by: string, type: string, key: string, ref = hello) =>
    writer.append({ room, type, ref: ref.id, sender: { id: by }, content: JSON.stringify({ key }) })
  return { room, writer, hello, react }
}

async function shown(room: string, user: string, query = ''): Promise<any[]> {
  const reader = await service.as(user)
  const last = await service.caughtUp(room)
  const { body } = await reader.get(`/v1/rooms/${room}/events?limit=500&atLeast=${last}${query}`)
  return body.events
}

const find = (events: any[], { id }: RoomEvent) => events.find((event) => event.id === id)

describe('reactions', () => {
  it('are shown with their message, as sets, and beside its bytes', async () => {
    const { room, hello, react } = await talk()
    await react('anna', 'msg.reaction', '👍')
    await react('ben', 'msg.reaction', '👍')
    await react('ben', 'msg.reaction', '👍')
    await react('ben', 'msg.reaction', 'x')
    await react('anna', 'msg.reaction', 'y')
    await react('anna', 'msg.unreact', 'y')
    expect(find(await shown(room, 'anna'), hello).reactions).toEqual([
      { key: '👍', count: 2, users: ['anna', 'ben'], me: true },
      { key: 'x', count: 1, users: ['ben'] },
    ])
    expect(find(await shown(room, 'ben'), hello).content).toEqual({ body: 'hello' })
  })

  it('go with their message, and with their own deletion', async () => {
    const { room, writer, hello, react } = await talk()
    const [given] = await react('anna', 'msg.reaction', 'a')
    await react('ben', 'msg.reaction', 'b')
    await writer.append({ room, type: 'msg.delete', ref: given!.id, erases: given!.seq })
    expect(find(await shown(room, 'anna'), hello).reactions).toEqual([{ key: 'b', count: 1, users: ['ben'] }])
    await writer.append({ room, type: 'msg.delete', ref: hello.id, erases: hello.seq })
    expect(find(await shown(room, 'anna'), hello)).not.toHaveProperty('reactions')
  })

  it('after one left are not shown to them', async () => {
    const { room, writer, hello, react } = await talk()
    await react('anna', 'msg.reaction', 'before')
    await writer.append({ room, type: 'member.leave', user: 'ben', sender: { id: 'ben' } })
    await react('anna', 'msg.reaction', 'after')
    expect(find(await shown(room, 'ben'), hello).reactions.map(({ key }: any) => key)).toEqual(['before'])
  })
})

describe('a thread', () => {
  it('is summed up at its root: how many messages, and the last', async () => {
    const { room, writer, hello } = await talk()
    await writer.say(room, 'ben', 'one', { thread: hello.id })
    const two = await writer.say(room, 'anna', 'two', { thread: hello.id })
    const three = await writer.say(room, 'anna', 'three', { thread: hello.id })
    await writer.append({ room, type: 'msg.delete', ref: three.id, erases: three.seq })
    const events = await shown(room, 'anna')
    expect(find(events, hello).threadSummary).toMatchObject({ count: 2, last: { id: two.id, content: { body: 'two' } } })
    expect(find(events, two)).not.toHaveProperty('threadSummary')
  })

  it('is read by itself, in both directions, with the filter', async () => {
    const { room, writer, hello } = await talk()
    const said: string[] = []
    for (let i = 0; i < 7; i++) {
      await writer.say(room, 'ben', `beside ${i}`)
      await writer.say(room, i % 2 ? 'anna' : 'ben', `t${i}`, { thread: hello.id })
      said.push(`t${i}`)
    }
    const bodies = (events: any[]) => events.map(({ content }) => content.body)
    const thread = `&thread=${hello.id}`
    expect(bodies(await shown(room, 'anna', thread))).toEqual(said)
    expect(bodies(await shown(room, 'anna', `${thread}&senders=anna`))).toEqual(['t1', 't3', 't5'])
    const reader = await service.as('anna')
    const pages: string[][] = []
    for (let before = '', more = true; more; ) {
      const { body } = await reader.get(`/v1/rooms/${room}/events?limit=3${thread}${before}`)
      pages.unshift(bodies(body.events))
      before = `&before=${body.earliest}`
      more = body.more.stored
    }
    expect(pages.flat()).toEqual(said)
    const forward = await reader.get(`/v1/rooms/${room}/events?limit=3${thread}&after=${hello.id}`)
    expect(bodies(forward.body.events)).toEqual(['t0', 't1', 't2'])
  })
})
