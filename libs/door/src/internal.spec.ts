import { expect, it } from 'vitest'
import { signInternal, verifyInternal } from './internal.js'

it('a signed read is good for its path and a minute, under its secret', () => {
  const header = signInternal('secret', '/internal/rooms/r/access?user=ann', 1_000_000)
  const verify = (path: string, nowMs = 1_000_000, secret = 'secret', given: string | undefined = header) =>
    verifyInternal(secret, path, given, nowMs)
  expect(verify('/internal/rooms/r/access?user=ann')).toBe(true)
  expect(verify('/internal/rooms/r/access?user=ann', 1_060_000)).toBe(true)
  expect(verify('/internal/rooms/r/access?user=ann', 1_060_001)).toBe(false)
  expect(verify('/internal/rooms/r/access?user=ann', 939_999)).toBe(false)
  expect(verify('/internal/rooms/r/access?user=bob')).toBe(false)
  expect(verify('/internal/rooms/r/access?user=ann', 1_000_000, 'other')).toBe(false)
  expect(verifyInternal('', '/p', signInternal('', '/p', 1), 1)).toBe(false)
  for (const given of [undefined, '', '1', `${header}x`, header.replace('1000000', '1000001'), 'x.y'])
    expect(verifyInternal('secret', '/internal/rooms/r/access?user=ann', given, 1_000_000)).toBe(false)
})
