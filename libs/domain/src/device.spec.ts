import { given } from '@roomlog/testing/given'
import { command, service } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import { isRevoked, revocationOf } from './device.js'

const revoke = (by: string, more = {}) => command(by, 'device.revoked', { room: '@ann', key: 'phone', at: 5_000, ...more })
const inbox = () => given(command('ann', 'app.note', { room: '@ann' }))

describe('signing a device out', () => {
  it("is its user's, or a service's, and names the device", () => {
    inbox().when(revoke('ann')).then({ type: 'device.revoked', key: 'phone' })
    inbox()
      .when(revoke('product', { rights: service('product', 'publish') }))
      .then({ type: 'device.revoked', key: 'phone' })
    inbox().when(revoke('bob')).thenRefused('forbidden')
    inbox()
      .when(revoke('ann', { key: undefined }))
      .thenRefused('invalid')
    inbox()
      .when(revoke('ann', { key: '' }))
      .thenRefused('invalid')
  })

  it('revokes the tokens that were issued up to then, and no later ones', () => {
    const revoked = inbox().when(revoke('ann')).room.events.at(-1)!
    expect(revocationOf(revoked)).toEqual({ user: 'ann', device: 'phone', at: 5_000 })
    expect(revocationOf({ ...revoked, room: 'r' })).toBeUndefined()
    expect(revocationOf({ ...revoked, type: 'app.note' })).toBeUndefined()
    const cases: [number | undefined, boolean][] = [
      [undefined, true],
      [4_000, true],
      [5_000, true],
      [6_000, false],
    ]
    for (const [issuedAt, expected] of cases) expect(isRevoked(5_000, issuedAt)).toBe(expected)
    expect(isRevoked(undefined, undefined)).toBe(false)
  })
})
