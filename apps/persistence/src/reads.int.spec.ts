/** Real HTTP and PostgreSQL, the log in memory. */
import type { RoomEvent } from '@roomlog/domain'
import { currentEpoch, parseEventId, position } from '@roomlog/log'
import { eventsTopic, familyOf } from '@roomlog/protocol'
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
const freshRoom = () => `room-${++rooms}`

async function positionOf(event: RoomEvent): Promise<string> {
  const place = parseEventId(event.id)!
  const { epoch } = await currentEpoch(service.log, eventsTopic(familyOf(event.room)), place.partition)
  return position({ ...place, epoch, seq: event.seq })
}

const bodies = (events: any[]) => events.map((event) => event.content?.body).filter(Boolean)

describe('history', () => {
  it('gives the stored bytes of each event and its position', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    const content = '{"z":1,"a":12345678901234567890,"e":1e400,"t":"\\u0041\\/\\u0000","n":{"__proto__":{"x":1},"z":-0.0},"2":[ 1 , 2 ]}'
    const [event] = await writer.append({ room, type: 'msg.text', content })
    const at = await positionOf(event!)
    const anna = await service.as('anna')
    const page = await anna.get(`/v1/rooms/${room}/events?limit=1&atLeast=${at}`)
    expect(page.status).toBe(200)
    expect(page.text).toContain(`"content":${content},"position":"${at}"}`)
    expect(page.body).toMatchObject({ more: { stored: true, backfill: false }, earliest: at, position: at })
  })

  it('scrolls in both directions without gap or overlap', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    let last: RoomEvent | undefined
    for (let i = 0; i < 23; i++) last = await writer.say(room, 'anna', `m${i}`)
    const anna = await service.as('anna')
    const seqs: number[] = []
    for (let before = '', more = true; more; ) {
      const { body } = await anna.get(`/v1/rooms/${room}/events?limit=5&atLeast=${await positionOf(last!)}${before}`)
      seqs.unshift(...body.events.map((event: any) => event.seq))
      before = `&before=${body.earliest}`
      more = body.more.stored
    }
    expect(seqs).toEqual(Array.from({ length: 28 }, (_, i) => i + 1))
    const forward: number[] = []
    const [first] = (await anna.get(`/v1/rooms/${room}/events?limit=500`)).body.events
    for (let after = first.id, more = true; more; ) {
      const { body } = await anna.get(`/v1/rooms/${room}/events?limit=5&after=${after}`)
      forward.push(...body.events.map((event: any) => event.seq))
      after = body.position
      more = body.more.stored
    }
    expect(forward).toEqual(Array.from({ length: 27 }, (_, i) => i + 2))
  })

  it.each([
    ['world', ['1 before', '2 invited', '3 joined', '4 after']],
    ['shared', ['1 before', '2 invited', '3 joined']],
    ['invited', ['2 invited', '3 joined']],
    ['joined', ['3 joined']],
  ])('with mode %s shows a member who left what they could see', async (mode, expected) => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public', history: mode })
    await writer.say(room, 'anna', '1 before')
    await writer.append({ room, type: 'member.invite', user: 'ben' })
    await writer.say(room, 'anna', '2 invited')
    await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben' } })
    await writer.say(room, 'anna', '3 joined')
    await writer.append({ room, type: 'member.kick', user: 'ben' })
    const last = await writer.say(room, 'anna', '4 after')
    const ben = await service.as('ben')
    const path = `/v1/rooms/${room}/events?limit=100&atLeast=${await positionOf(last)}`
    expect(bodies((await ben.get(path)).body.events)).toEqual(expected)
    expect((await (await service.as('carl')).get(path)).status).toBe(mode === 'world' ? 200 : 404)
    expect((await service.anonymous.get(path)).status).toBe(mode === 'world' ? 200 : 404)
  })
})

it('an unknown room and a forbidden room look the same', async () => {
  const room = freshRoom()
  const events = await service.writer.create(room, 'anna')
  const ben = await service.as('ben')
  for (const path of ['', '/events', '/members', '/state']) {
    const forbidden = await ben.get(`/v1/rooms/${room}${path}?atLeast=${await positionOf(events.at(-1)!)}`)
    const unknown = await ben.get(`/v1/rooms/AAAAAAAAAAAAAAAAAAAAAA${path}`)
    expect([path, forbidden.status, forbidden.text]).toEqual([path, 404, unknown.text])
  }
})
