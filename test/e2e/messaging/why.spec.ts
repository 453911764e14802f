import { expect, test } from 'vitest'
import { Caller } from '../../harness/http.ts'
import { Person, tokens, url } from '../world.ts'

async function story() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public', name: 'First' })
  const join = await ben.http.done(`/v1/rooms/${room}/join`)
  const said = await ben.http.publish(room, 'hello')
  const renamed = (await anna.http.put(`/v1/rooms/${room}/state/room.name`, { content: { value: 'Second' } })).body
  const kick = await anna.http.done(`/v1/rooms/${room}/kick`, { user: ben.id })
  const last = await anna.http.publish(room, 'bye')
  const admin = new Caller(url, await tokens.service('root', ['admin']))
  return { anna, ben, room, join, said, renamed, kick, last, admin }
}

test('an administrator asks why a user can, or cannot, see an event', async () => {
  const { anna, ben, room, join, said, kick, last, admin } = await story()
  const ask = (query: string, by = admin) => by.get(`/v1/why?room=${room}&atLeast=${last.position}&${query}`)
  expect((await ask(`user=${ben.id}&seq=${said.seq}`)).body).toMatchObject({ sees: true, by: { seq: join.seq, type: 'member.join' } })
  const gone = (await ask(`user=${ben.id}&event=${last.event}`)).body
  expect(gone).toMatchObject({ sees: false, by: { seq: kick.seq, type: 'member.kick', sender: anna.id } })
  expect((await ask(`user=${ben.id}&type=msg.text`)).body.do).toMatchObject({ may: false, code: 'not_member' })
  expect((await ask(`user=${ben.id}&type=msg.text&seq=${said.seq}`)).body.do).toMatchObject({ may: true })
  expect((await ask(`user=${ben.id}`, anna.http)).body.error.code).toBe('forbidden')
  expect((await ask(`seq=${said.seq}`, ben.http)).body).toMatchObject({ user: ben.id, sees: true })
})

test('a room is shown as it was', async () => {
  const { anna, ben, room, said, renamed, last } = await story()
  const at = async (path: string, seq: number) =>
    (await anna.http.get(`/v1/rooms/${room}/${path}?asOf=${seq}&atLeast=${last.position}`)).body
  expect((await at('state/room.name', said.seq)).content).toEqual({ value: 'First' })
  expect((await at('state/room.name', renamed.seq)).content).toEqual({ value: 'Second' })
  const users = async (seq: number) => (await at('members', seq)).members.map(({ user }: any) => user)
  expect((await users(said.seq)).sort()).toEqual([anna.id, ben.id].sort())
  expect(await users(last.seq)).toEqual([anna.id])
  expect((await at('events', said.seq)).events.at(-1).id).toBe(said.event)
})
