/** Real HTTP and PostgreSQL, the log in memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stopServer, until } from './testing/archive.js'
import { startService, type TestService } from './testing/service.js'

let service: TestService
beforeAll(async () => {
  service = await startService()
})
afterAll(async () => {
  await service?.close()
  await stopServer()
})

const minute = 60_000
const inSeconds = (ms: number) => Math.floor(ms / 1_000)

describe('devices', () => {
  it('are listed with when they were last seen, to the minute, and whether they are signed out', async () => {
    const { writer } = service
    await writer.create('r', 'eva')
    const at = 1_800_000_000_000
    await writer.say('r', 'eva', 'from my phone', { device: 'phone', at })
    await writer.say('r', 'eva', 'again', { device: 'phone', at: at + 5 * minute + 1 })
    await writer.say('r', 'eva', 'from my laptop', { device: 'd1', at: at + minute })
    await writer.say('r', 'bob', 'somebody else', { device: 'tablet', at })
    const revoked = { room: '@eva', type: 'device.revoked', key: 'old', sender: { id: 'eva' }, at }
    await writer.append(revoked)
    await service.caughtUp('r')
    const eva = await service.as('eva')
    for (const room of ['r', '@eva']) await eva.get(`/v1/devices?atLeast=${await service.caughtUp(room)}`)
    const { body } = await eva.get('/v1/devices')
    const ofMinute = (ms: number) => Math.floor(ms / minute) * minute
    expect(body.devices).toEqual([
      { device: 'phone', firstSeen: ofMinute(at), lastSeen: ofMinute(at + 5 * minute) },
      { device: 'd1', firstSeen: ofMinute(at + minute), lastSeen: ofMinute(at + minute), current: true },
      { device: 'old', revokedAt: at },
    ])
  })

  it('that are signed out read no more with the tokens they have, and do with later ones', async () => {
    const { writer } = service
    const at = 1_800_000_000_000
    const before = await service.as('kim', { iat: inSeconds(at) - 1 })
    expect((await before.get('/v1/rooms')).status).toBe(200)
    await writer.append({ room: '@kim', type: 'device.revoked', key: 'd1', sender: { id: 'kim' }, at })
    await until(async () => (await before.get('/v1/rooms')).status === 401, 5_000)
    expect((await before.get('/v1/rooms')).body.error).toMatchObject({ code: 'unauthenticated', message: 'this device was signed out' })
    expect((await (await service.as('kim')).get('/v1/rooms')).status).toBe(401)
    expect((await (await service.as('kim', { iat: inSeconds(at) + 1 })).get('/v1/rooms')).status).toBe(200)
    expect((await (await service.as('kim', { did: 'd2' })).get('/v1/rooms')).status).toBe(200)
  })

  it('that are signed out are told to the other services, those that changed last', async () => {
    const { writer } = service
    const all = (await service.service.get('/internal/revocations')).body
    expect(all.revocations.map(([user]: [string]) => user)).toEqual(['eva', 'kim'])
    await writer.append({ room: '@lea', type: 'device.revoked', key: 'x', sender: { id: 'lea' }, at: 5 })
    const path = `/internal/revocations?after=${all.next}`
    await until(async () => (await service.service.get(path)).body.revocations.some(([user]: [string]) => user === 'lea'))
    expect((await service.service.get(path)).body).toMatchObject({ next: all.next + 1, more: false })
    expect((await service.anonymous.get('/internal/revocations')).status).toBe(404)
  })

  it('are told alike by a rebuild of the tables', async () => {
    expect((await service.service.get('/internal/rebuild')).body).toMatchObject({ equal: true, differences: [] })
  }, 30_000)
})
