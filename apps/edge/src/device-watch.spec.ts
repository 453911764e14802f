import { afterEach, beforeEach, expect, test } from 'vitest'
import { Stage, until } from './testing/stage.js'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open()
  await stage.writer.create('r')
})
afterEach(() => stage.close())

const revoke = (user: string, device: string) => stage.writer.append(`@${user}`, { type: 'device.revoked', sender: user, key: device })

test('a device that is signed out is shown out, also one that does not read, and no other', async () => {
  const edge = stage.edge()
  const [phone, stalled, tablet, other] = [
    await stage.client('anna/phone', edge),
    await stage.client('anna/phone', edge, { bytesMax: 100 }),
    await stage.client('anna/tablet', edge),
    await stage.client('bert/phone', edge),
  ]
  await stalled.request({ op: 'sync' })
  await stalled.request({ op: 'unsubscribe' })
  stalled.socket.stall()
  await revoke('anna', 'phone')
  await until(() => phone.socket.closed?.code === 4206 && stalled.socket.closed?.code === 4206)
  expect(phone.frames.at(-1)).toMatchObject({ bye: { reason: 'device_revoked' } })
  await revoke('anna', 'nothing')
  await tablet.next((frame) => frame.event?.key === 'nothing')
  expect([tablet.socket.closed, other.socket.closed]).toEqual([undefined, undefined])
})

test('a token of before is refused, and a connection that came in between ends when the door knows', async () => {
  const edge = stage.edge()
  const early = await stage.client('anna/phone', edge)
  stage.revoked.add('anna/phone')
  const late = await stage.client('anna/phone', edge)
  expect(late.frames.at(-1).error.code).toBe('unauthenticated')
  expect(late.socket.closed?.code).toBe(4206)
  expect(early.socket.closed).toBeUndefined()
  stage.clock.advance(5_000)
  expect(early.socket.closed?.code).toBe(4206)
})

test('a device comes back with a token that was issued later', async () => {
  const edge = stage.edge()
  const { authenticate } = edge.door
  const tokens = async (token: string) => ({ ...((await authenticate(token)) as object), issuedAt: Date.now() + 60_000 }) as never
  Object.assign(edge.door, { authenticate: tokens })
  const phone = await stage.client('anna/phone', edge)
  await revoke('anna', 'phone')
  await phone.next((frame) => frame.event?.type === 'device.revoked')
  expect(phone.socket.closed).toBeUndefined()
})
