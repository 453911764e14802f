/** Real HTTP and PostgreSQL, the log in memory. */
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
const member = (room: string, type: string, user: string, by = user, more = {}) =>
  service.writer.append({ room, type, user, sender: { id: by }, ...more })

/** Events 1–5 create; 6 topic A; 7 ben joins; 8 message; 9 topic gone; 10 ben's name; 11 ben is kicked; 12 topic B; 13 message. */
async function story() {
  const room = `past-${++rooms}`
  const { writer } = service
  await writer.create(room, 'anna')
  const topic = (content: string) => writer.append({ room, type: 'room.topic', key: '', content })
  await topic('{"value":"A"}')
  await member(room, 'member.join', 'ben')
  await writer.say(room, 'ben', 'hello')
  await topic('null')
  await member(room, 'member.profile', 'ben', 'ben', { content: '{"name":"Ben"}' })
  await member(room, 'member.kick', 'ben', 'anna')
  await topic('{"value":"B"}')
  await writer.say(room, 'anna', 'bye')
  const [anna, ben, eve] = [await service.as('anna'), await service.as('ben'), await service.as('eve')]
  await anna.get(`/v1/rooms/${room}?atLeast=${await service.caughtUp(room)}`)
  return { room, anna, ben, eve }
}

describe('a room as it was', () => {
  it('has the state of that time', async () => {
    const { room, anna } = await story()
    const topicAt = (seq: number) => anna.get(`/v1/rooms/${room}/state/room.topic?asOf=${seq}`)
    expect((await topicAt(6)).body).toMatchObject({ seq: 6, content: { value: 'A' } })
    expect((await topicAt(8)).body).toMatchObject({ seq: 6, content: { value: 'A' } })
    expect((await anna.get(`/v1/rooms/${room}/state/room.topic/?asOf=9`)).status).toBe(404)
    expect((await topicAt(12)).body).toMatchObject({ seq: 12, content: { value: 'B' } })
    const all = (await anna.get(`/v1/rooms/${room}/state?asOf=7`)).body.state
    expect(all.map(({ type }: any) => type)).toEqual(['room.access', 'room.history', 'room.power', 'room.topic'])
    const now = (await anna.get(`/v1/rooms/${room}/state`)).body.state
    expect((await anna.get(`/v1/rooms/${room}/state?asOf=13`)).body.state).toEqual(now)
    expect((await anna.get(`/v1/rooms/${room}/state?asOf=14`)).status).toBe(404)
  })

  it('has the members of that time, with the names and the power that they had', async () => {
    const { room, anna } = await story()
    const membersAt = async (seq: number, query = '') => (await anna.get(`/v1/rooms/${room}/members?asOf=${seq}${query}`)).body.members
    const ann = { user: 'anna', membership: 'joined', power: 100 }
    expect(await membersAt(6)).toEqual([ann])
    expect(await membersAt(8)).toEqual([ann, { user: 'ben', membership: 'joined', power: 0 }])
    expect(await membersAt(10)).toEqual([ann, { user: 'ben', name: 'Ben', membership: 'joined', power: 0 }])
    expect(await membersAt(11)).toEqual([ann])
    expect(await membersAt(13, '&membership=left')).toMatchObject([{ user: 'ben', membership: 'left' }])
    expect(await membersAt(10, '&search=BE')).toHaveLength(1)
    const page = await anna.get(`/v1/rooms/${room}/members?asOf=10&limit=1`)
    expect(page.body).toMatchObject({ members: [ann], next: 'anna' })
    expect((await membersAt(10, '&limit=1&after=anna'))[0].user).toBe('ben')
    expect(await membersAt(13)).toEqual((await anna.get(`/v1/rooms/${room}/members`)).body.members)
  })

  it('has the history of that time', async () => {
    const { room, anna } = await story()
    const { body } = await anna.get(`/v1/rooms/${room}/events?asOf=8&limit=2`)
    expect(body.events.map(({ seq }: any) => seq)).toEqual([7, 8])
  })

  it('is shown to those who could see that time', async () => {
    const { room, ben, eve } = await story()
    expect((await ben.get(`/v1/rooms/${room}/members?asOf=11`)).status).toBe(200)
    expect((await ben.get(`/v1/rooms/${room}/members?asOf=12`)).status).toBe(404)
    expect((await eve.get(`/v1/rooms/${room}/state?asOf=3`)).status).toBe(404)
  })
})

describe('why', () => {
  it('says which rule and event decide what a user sees', async () => {
    const { room, anna } = await story()
    const admin = await service.as('root', { roomlog: { scopes: ['admin'] } })
    const ask = async (query: string) => (await admin.get(`/v1/why?room=${room}&${query}`)).body
    expect(await ask('user=ben&seq=3')).toMatchObject({
      user: 'ben',
      seq: 3,
      sees: true,
      by: { seq: 7, type: 'member.join', sender: 'ben' },
    })
    expect(await ask('user=ben&seq=12')).toMatchObject({ sees: false, by: { seq: 11, type: 'member.kick', sender: 'anna' } })
    expect(await ask('user=eve')).toMatchObject({ seq: 13, sees: false, rule: expect.stringContaining('never') })
    expect((await anna.get(`/v1/why?room=${room}&user=ben`)).body.error.code).toBe('forbidden')
    expect((await anna.get(`/v1/why?room=${room}&seq=4`)).body).toMatchObject({ user: 'anna', sees: true })
    expect((await (await service.as('eve')).get(`/v1/why?room=${room}`)).status).toBe(404)
    expect((await admin.get(`/v1/why?room=${room}&seq=99`)).status).toBe(404)
    expect((await admin.get('/v1/why?room=nowhere')).status).toBe(404)
  })

  it('says what a user may do, at that time', async () => {
    const { room } = await story()
    const admin = await service.as('root', { roomlog: { scopes: ['admin'] } })
    const may = async (query: string) => (await admin.get(`/v1/why?room=${room}&${query}`)).body.do
    expect(await may('user=ben&seq=8&type=msg.text')).toMatchObject({
      may: true,
      membership: 'joined',
      membershipBy: 7,
      power: 0,
      needs: 0,
    })
    expect(await may('user=ben&seq=12&type=msg.text')).toMatchObject({
      may: false,
      code: 'not_member',
      membership: 'left',
      membershipBy: 11,
    })
    expect(await may('user=ben&seq=8&type=room.topic&key=')).toMatchObject({ may: false, code: 'forbidden', needs: 50, powerBy: 3 })
    expect(await may('user=ben&seq=8&type=member.kick&target=anna')).toMatchObject({ may: false, code: 'forbidden' })
    expect(await may('user=anna&seq=8&type=member.kick&target=ben')).toMatchObject({ may: true })
  })
})
