/** A device that is signed out hears nothing any more. */
import { expect, test } from 'vitest'
import { otherUrl, Person, tokens, url } from '../world.ts'

test('signing a device out ends its connections within 5 s with 4206, and only its', async () => {
  const anna = await Person.named('anna')
  const phone = await tokens.sign({ sub: anna.id, did: 'phone' })
  const [first, second, own] = [await anna.socket(url, phone), await anna.socket(otherUrl, phone), await anna.socket()]
  const before = Date.now()
  expect((await anna.http.delete('/v1/devices/phone')).status).toBe(200)
  await expect(first.next((frame) => frame.never, 6_000)).rejects.toThrow('closed 4206')
  await expect(second.next((frame) => frame.never, 6_000)).rejects.toThrow('closed 4206')
  expect(Date.now() - before).toBeLessThan(5_000)
  expect(first.frames.at(-1)).toMatchObject({ bye: { reason: 'device_revoked' } })
  expect(await own.ok({ op: 'ping' })).toEqual({})
})
