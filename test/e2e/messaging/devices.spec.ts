import { expect, test } from 'vitest'
import { Caller } from '../../harness/http.ts'
import { WireSocket } from '../../harness/socket.ts'
import { eventually, otherUrl, Person, tokens, unique, url } from '../world.ts'

/** Tokens that say when they were issued, as a product's own do. */
const issued = (user: string, device: string, secondsAgo: number) =>
  tokens.sign({ sub: user, did: device, iat: Math.floor(Date.now() / 1_000) - secondsAgo } as never)

test('a user sees their devices, and when each was last seen', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const laptop = new Caller(otherUrl, await tokens.user(anna.id, 'laptop'))
  const said = await laptop.publish(room, 'from my laptop')
  const { body } = await anna.http.get(`/v1/devices?atLeast=${said.position}`)
  expect(body.devices.map(({ device }: any) => device).sort()).toEqual(['d1', 'laptop'])
  for (const { lastSeen } of body.devices) expect(Math.abs(Date.now() - lastSeen)).toBeLessThan(120_000)
  expect(body.devices.find(({ current }: any) => current).device).toBe('d1')
})

test('a device that is signed out is refused by every door and read; its user’s others, and later tokens, are not', async () => {
  const user = unique('anna')
  const [phone, laptop] = [new Caller(url, await issued(user, 'phone', 10)), new Caller(url, await issued(user, 'laptop', 10))]
  const room = (await phone.done('/v1/rooms', { access: 'public' })).room

  const socket = await WireSocket.open(otherUrl, laptop.token!)
  const revoked = await laptop.delete('/v1/devices/phone')
  expect([revoked.status, revoked.body.room]).toEqual([200, `@${user}`])
  const frame = await socket.next((frame) => frame.event?.type === 'device.revoked')
  expect(frame.event).toMatchObject({ id: revoked.body.event, room: `@${user}`, key: 'phone', sender: { id: user } })
  const publish = () => phone.post(`/v1/rooms/${room}/events`, { type: 'msg.text', content: {} })
  await eventually(async () => (await publish()).status === 401, 5_000)
  expect((await publish()).body.error).toMatchObject({ code: 'unauthenticated', message: 'this device was signed out' })
  await eventually(async () => (await phone.get('/v1/rooms')).status === 401, 5_000)
  expect((await laptop.get('/v1/rooms')).status).toBe(200)
  expect((await laptop.publish(room, 'still here')).seq).toBeGreaterThan(0)
  const again = new Caller(url, await issued(user, 'phone', -2))
  expect((await again.get('/v1/rooms')).status).toBe(200)
  expect((await again.publish(room, 'back again')).seq).toBeGreaterThan(0)
})

test('nobody signs out the devices of others', async () => {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const wish = { type: 'device.revoked', key: 'd1', content: {} }
  expect((await ben.http.post(`/v1/rooms/@${anna.id}/events`, wish)).body.error.code).toBe('forbidden')
  expect((await anna.http.get('/v1/devices')).status).toBe(200)
})
