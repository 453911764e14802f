/**
 * Who may read what: four history modes × join, leave, kick; each live, on replay and in history.
 * The expectation is written out per mode, not computed by the code under test.
 */
import { describe, expect, test } from 'vitest'
import type { WireSocket } from '../harness/socket.ts'
import { Person } from './world.ts'

const modes = ['world', 'shared', 'invited', 'joined'] as const
type Mode = (typeof modes)[number]

async function stage(mode: Mode) {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public', history: mode })
  const say = async (body: string) => (await anna.http.publish(room, body)).position as string
  return { anna, ben, room, say }
}

const bodies = (socket: WireSocket, room: string) =>
  socket
    .events(room)
    .map((frame) => frame.event.content?.body)
    .filter(Boolean)

/** What the person gets of the room's messages from the beginning, over the socket (until live or refused) and from history. */
async function readings(person: Person, room: string, atLeast: string): Promise<{ replay: string[] | string; history: string[] | string }> {
  const socket = await person.socket()
  const answer = await socket.request({ op: 'subscribe', room, from: 1 })
  let replay: string[] | string
  if (answer.error) replay = answer.error.code
  else {
    await socket.next((frame) => frame.live?.room === room || frame.end?.room === room)
    replay = bodies(socket, room)
  }
  const page = await person.http.get(`/v1/rooms/${room}/events?limit=100&atLeast=${atLeast}`)
  const history =
    page.status === 200
      ? page.body.events
          .map((item: any) => (item.event ?? item).content?.body)
          .filter(Boolean)
          .sort()
      : page.body.error.code
  return { replay, history }
}

describe.each(modes)('history %s', (mode) => {
  test('join: what was said before is seen or not as the mode says; what follows is seen', async () => {
    const { anna, ben, room, say } = await stage(mode)
    await say('1 before')
    await anna.http.done(`/v1/rooms/${room}/invite`, { user: ben.id })
    await say('2 invited')
    await ben.http.done(`/v1/rooms/${room}/join`)
    const live = await ben.subscribed(room)
    const position = await say('3 joined')
    await live.next((frame) => frame.event?.content?.body === '3 joined')
    expect(bodies(live, room)).toEqual(['3 joined'])
    const expected = {
      world: ['1 before', '2 invited', '3 joined'],
      shared: ['1 before', '2 invited', '3 joined'],
      invited: ['2 invited', '3 joined'],
      joined: ['3 joined'],
    }[mode]
    expect(await readings(ben, room, position)).toEqual({ replay: expected, history: expected })
  })

  test.each(['leave', 'kick'] as const)('%s: nothing that follows is delivered, what could be seen stays', async (how) => {
    const { anna, ben, room, say } = await stage(mode)
    await say('1 before')
    await ben.http.done(`/v1/rooms/${room}/join`)
    const live = await ben.subscribed(room)
    await say('2 joined')
    const removal =
      how === 'leave' ? await ben.http.done(`/v1/rooms/${room}/leave`) : await anna.http.done(`/v1/rooms/${room}/kick`, { user: ben.id })
    const position = await say('3 after')
    if (mode === 'world') {
      // The room is public and its history is the world's: whoever is removed may read on like any passer-by, after subscribing again.
      const all = ['1 before', '2 joined', '3 after']
      expect(await readings(ben, room, position)).toEqual({ replay: all, history: all })
      return
    }
    const end = await live.next((frame) => frame.end?.room === room)
    expect(end.end).toMatchObject({ reason: how === 'leave' ? 'left' : 'kicked', seq: removal.seq })
    await anna.http.done(`/v1/rooms/${room}/events`, { type: 'msg.text', content: { body: '4 later' } })
    expect(bodies(live, room)).toEqual(['2 joined'])
    const expected = { shared: ['1 before', '2 joined'], invited: ['2 joined'], joined: ['2 joined'] }[mode]
    expect(await readings(ben, room, position)).toEqual({ replay: expected, history: expected })
  })
})

test('an unknown room and a forbidden room look the same', async () => {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'limited' })
  const strip = (body: any, id: string) =>
    JSON.stringify(body)
      .replaceAll(id, '…')
      .replace(/"id":\d+/, '"id":0')
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAA'
  for (const path of ['', '/events', '/members', '/state']) {
    const [forbidden, missing] = [await ben.http.get(`/v1/rooms/${room}${path}`), await ben.http.get(`/v1/rooms/${unknown}${path}`)]
    expect([path, forbidden.status, strip(forbidden.body, room)]).toEqual([path, 404, strip(missing.body, unknown)])
  }
  const socket = await ben.socket()
  const [forbidden, missing] = [await socket.request({ op: 'subscribe', room }), await socket.request({ op: 'subscribe', room: unknown })]
  expect(forbidden.error.code).toBe('not_found')
  expect(strip(forbidden, room)).toBe(strip(missing, unknown))
})

test('a ban wins over a grant of the token', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const guest = await Person.named('guest', { roomlog: { rooms: { [room]: ['read', 'write'] } } })
  const socket = await guest.subscribed(room)
  expect((await guest.http.publish(room, 'by grant')).seq).toBeGreaterThan(0)
  const ban = await anna.http.done(`/v1/rooms/${room}/ban`, { user: guest.id })
  expect((await socket.next((frame) => frame.end?.room === room)).end).toMatchObject({ reason: 'banned', seq: ban.seq })
  const refused = await guest.http.post(`/v1/rooms/${room}/events`, { type: 'msg.text', content: {} })
  expect([refused.status, refused.body.error.code]).toEqual([403, 'banned'])
})
