import { expect, test } from 'vitest'
import { eventually, Person } from '../world.ts'

async function talk() {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  const say = (who: Person) => who.http.post(`/v1/rooms/${room}/events`, { type: 'msg.text', content: { body: 'x' } })
  const mode = (content: object) => anna.http.put(`/v1/rooms/${room}/state/room.mode`, { content })
  return { anna, ben, room, say, mode }
}

test('a muted member reads and does not post, until the mute ends', async () => {
  const { anna, ben, room, say } = await talk()
  const muted = await anna.http.put(`/v1/rooms/${room}/state/room.mute/${ben.id}`, { content: { until: Date.now() + 1_500 } })
  expect(muted.status).toBe(200)
  const refused = await say(ben)
  expect([refused.status, refused.body.error.code]).toEqual([403, 'forbidden'])
  expect(refused.body.error.retryAfterMs).toBeGreaterThan(0)
  expect(refused.body.error.retryAfterMs).toBeLessThanOrEqual(1_500)
  const socket = await ben.subscribed(room)
  const said = await say(anna)
  await socket.next((frame) => frame.event?.id === said.body.event)
  await eventually(async () => (await say(ben)).status === 200)
  const byMember = await ben.http.put(`/v1/rooms/${room}/state/room.mute/${anna.id}`, { content: {} })
  expect(byMember.body.error.code).toBe('forbidden')
})

test('slow mode lets a member speak once in a while, and moderators as they like', async () => {
  const { anna, ben, say, mode } = await talk()
  expect((await mode({ slowModeMs: 1_200 })).status).toBe(200)
  expect((await say(ben)).status).toBe(200)
  const soon = await say(ben)
  expect([soon.status, soon.body.error]).toMatchObject([429, { code: 'limited', retriable: true }])
  expect(soon.body.error.retryAfterMs).toBeLessThanOrEqual(1_200)
  expect(soon.headers.get('retry-after')).toMatch(/^[12]$/)
  for (let i = 0; i < 3; i++) expect((await say(anna)).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, soon.body.error.retryAfterMs))
  await eventually(async () => (await say(ben)).status === 200, 2_000)
})

test('in a frozen room only moderators post', async () => {
  const { anna, ben, say, mode } = await talk()
  await mode({ frozen: true })
  expect((await say(ben)).body.error.code).toBe('forbidden')
  expect((await say(anna)).status).toBe(200)
  await mode({})
  expect((await say(ben)).status).toBe(200)
})

test('a ban with an end keeps out until then, and says so', async () => {
  const { anna, ben, room, say } = await talk()
  await anna.http.done(`/v1/rooms/${room}/ban`, { user: ben.id, reason: 'rude', until: Date.now() + 1_500 })
  for (const answer of [await say(ben), await ben.http.post(`/v1/rooms/${room}/join`)]) {
    expect([answer.status, answer.body.error.code]).toEqual([403, 'banned'])
    expect(answer.body.error.retryAfterMs).toBeGreaterThan(0)
  }
  await eventually(async () => (await ben.http.post(`/v1/rooms/${room}/join`)).status === 200)
  expect((await say(ben)).status).toBe(200)
})

test('who did what is in the log', async () => {
  const { anna, ben, room } = await talk()
  await anna.http.put(`/v1/rooms/${room}/state/room.mute/${ben.id}`, { content: {} })
  const last = await anna.http.done(`/v1/rooms/${room}/kick`, { user: ben.id, reason: 'spam' })
  const { body } = await anna.http.get(`/v1/rooms/${room}/events?types=room.mute,member.kick&atLeast=${last.position}`)
  expect(body.events).toMatchObject([
    { type: 'room.mute', key: ben.id, sender: { id: anna.id }, content: {} },
    { type: 'member.kick', user: ben.id, sender: { id: anna.id }, content: { reason: 'spam' } },
  ])
})
