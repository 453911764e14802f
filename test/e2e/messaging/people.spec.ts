import { expect, test } from 'vitest'
import { eventually, otherUrl, Person, tokens, unique } from '../world.ts'

test('a new name is an event in every room of the user, with the old one, and on their other devices', async () => {
  const [anna, ben] = [await Person.named('anna', { name: 'Anna' }), await Person.named('ben')]
  const rooms = [await anna.createRoom({ access: 'public' }), await anna.createRoom({ access: 'public' })]
  const sockets = []
  for (const room of rooms) {
    await ben.http.done(`/v1/rooms/${room}/join`)
    sockets.push(await ben.subscribed(room))
  }
  const otherDevice = await anna.socket(otherUrl, await tokens.user(anna.id, 'd2'))
  const set = await anna.http.put(`/v1/profile/${anna.id}`, { name: 'Anna B.', avatar: 'https://example.org/a.png' })
  expect(set.status).toBe(200)
  for (const [index, socket] of sockets.entries()) {
    const { event } = await socket.next((frame) => frame.event?.type === 'member.profile')
    expect(event).toMatchObject({ room: rooms[index], user: anna.id, content: { name: 'Anna B.', avatar: 'https://example.org/a.png' } })
    expect(event.prev).toMatchObject({ name: 'Anna' })
  }
  const changed = await otherDevice.next((frame) => frame.event?.type === 'profile.changed')
  expect(changed.event).toMatchObject({ id: set.body.event, content: { name: 'Anna B.' } })
  const named = await eventually(async () => {
    const { body } = await ben.http.get(`/v1/rooms/${rooms[0]}/members`)
    return body.members.find(({ user, name }: any) => user === anna.id && name === 'Anna B.')
  })
  expect(named).toMatchObject({ avatar: 'https://example.org/a.png', power: 100 })
  expect((await ben.http.get(`/v1/profile/${anna.id}`)).body).toMatchObject({ name: 'Anna B.' })
  expect((await ben.http.put(`/v1/profile/${anna.id}`, { name: 'not me' })).status).toBe(403)
})

test('who knocks is seen by the members, and comes in by invitation', async () => {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'knock' })
  const socket = await anna.subscribed(room)
  expect((await ben.http.post(`/v1/rooms/${room}/join`)).body.error.code).toBe('forbidden')
  const knock = await ben.http.done(`/v1/rooms/${room}/knock`, { reason: 'it is me' })
  const { event } = await socket.next((frame) => frame.event?.type === 'member.knock')
  expect(event).toMatchObject({ id: knock.event, user: ben.id, content: { reason: 'it is me' } })
  expect((await ben.http.post(`/v1/rooms/${room}/knock`)).body.error.code).toBe('conflict')
  const invited = await anna.http.done(`/v1/rooms/${room}/invite`, { user: ben.id })
  expect((await socket.next((frame) => frame.event?.type === 'member.invite')).event).toMatchObject({ id: invited.event, ref: knock.event })
  const joined = await ben.http.done(`/v1/rooms/${room}/join`)
  expect(joined.room).toBe(room)
  const closed = await anna.createRoom()
  expect((await ben.http.post(`/v1/rooms/${closed}/knock`)).body.error.code).toBe('not_found')
})

test('the directory is searched by name, topic and alias, and shows only rooms that are listed', async () => {
  const anna = await Person.named('anna')
  const word = unique('garden')
  const byName = await anna.createRoom({ access: 'public', listed: true, name: `The ${word}` })
  const byTopic = await anna.createRoom({ access: 'public', listed: true, topic: `about ${word.toUpperCase()}` })
  const byAlias = await anna.createRoom({ access: 'public', listed: true, alias: `#${word}` })
  await anna.createRoom({ access: 'public', name: `${word}, not listed` })
  const ben = await Person.named('ben')
  const joined = await ben.http.done(`/v1/rooms/${byTopic}/join`)
  const find = async (query = '') => (await ben.http.get(`/v1/directory?search=${word}&atLeast=${joined.position}${query}`)).body
  const rooms = await eventually(async () => {
    const found = (await find()).rooms
    return found.length === 3 && found[0].memberCount === 2 && found
  })
  expect(rooms[0]).toMatchObject({ room: byTopic, access: 'public' })
  expect(rooms.map(({ room }: any) => room).sort()).toEqual([byName, byTopic, byAlias].sort())
  expect(rooms.find(({ room }: any) => room === byAlias).aliases).toEqual([word])
  const first = await find('&limit=2')
  const second = await find(`&limit=2&after=${encodeURIComponent(first.next)}`)
  expect([...first.rooms, ...second.rooms]).toEqual(rooms)
  await anna.http.put(`/v1/rooms/${byName}/state/room.listed`, { content: { value: false } })
  await eventually(async () => (await find()).rooms.length === 2)
})
