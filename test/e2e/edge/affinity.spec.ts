/** Which edge follows which rooms, as any of them says. */
import { expect, test } from 'vitest'
import { deployment, eventually, otherUrl, Person, url } from '../world.ts'

test('an edge that follows a room is the first to be named', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom()
  await anna.subscribed(room)
  const edges = await eventually(async () => {
    const { body } = await anna.http.get(`/v1/where?rooms=${room}`)
    return body.edges?.[0]?.rooms.includes(room) ? body.edges : undefined
  })
  expect(edges.length).toBe(deployment.urls.length)
  expect([url, otherUrl]).toContain(edges[0].url)
  expect((await anna.http.get('/v1/where')).status).toBe(422)
})
