import { expect, test } from 'vitest'
import { eventually, Person, unique } from '../world.ts'

async function talk() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  const word = unique('word').replace('-', '')
  const search = async (who: Person, query = '') => (await who.http.get(`/v1/search?q=${word}${query}`)).body.events
  return { anna, ben, room, word, search }
}

test('a message is found by its words, by those who may see it', async () => {
  const { anna, ben, room, word, search } = await talk()
  const carl = await Person.named('carl')
  const said = await anna.http.publish(room, `have you seen the ${word} yet?`)
  const events = await eventually(async () => {
    const found = await search(ben)
    return found.length > 0 && found
  })
  expect(events).toMatchObject([{ id: said.event, room, seq: said.seq, position: said.position, sender: { id: anna.id } }])
  expect(await search(ben, `&rooms=${room}&senders=${anna.id}&types=msg.*`)).toHaveLength(1)
  expect(await search(ben, `&senders=${ben.id}`)).toEqual([])
  expect(await search(ben, `&after=${events[0].at + 1}`)).toEqual([])
  expect(await search(ben, `&before=${events[0].at}`)).toEqual([])
  expect(await search(carl, `&rooms=${room}`)).toEqual([])
  expect((await ben.http.get('/v1/search')).body.error).toMatchObject({ code: 'invalid', field: 'q' })
})

test('a deleted message is found no more', async () => {
  const { anna, room, word, search } = await talk()
  const said = await anna.http.publish(room, word)
  await eventually(async () => (await search(anna)).length === 1)
  const gone = await anna.http.done(`/v1/rooms/${room}/events`, { type: 'msg.delete', ref: said.event, content: {} })
  expect(await search(anna, `&atLeast=${gone.position}`)).toEqual([])
})

test('an encrypted room is not searched', async () => {
  const { anna, room, word, search } = await talk()
  await anna.http.put(`/v1/rooms/${room}/state/room.mode`, { content: { encrypted: true } })
  await anna.http.publish(room, word)
  const other = await anna.createRoom()
  const said = await anna.http.publish(other, word)
  await eventually(async () => (await search(anna)).length > 0)
  expect((await search(anna)).map(({ id }: any) => id)).toEqual([said.event])
  const back = await anna.http.put(`/v1/rooms/${room}/state/room.mode`, { content: {} })
  expect(back.body.error.code).toBe('invalid')
})
