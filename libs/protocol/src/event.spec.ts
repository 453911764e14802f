import type { RoomEvent } from '@roomlog/domain'
import { describe, expect, it } from 'vitest'
import { decodeEvent, decodeRecord, encodeEvent } from './event.js'

const event: RoomEvent = {
  id: '3-17-abcdefgh',
  room: 'r"ü',
  seq: 9,
  type: 'room.name',
  sender: { id: 'ann', name: 'Ann "A"' },
  at: 1_700_000_000_000,
  key: '',
  mentions: ['bob'],
  content: '{"value":12345678901234567890,  "b":1.0}',
  prev: '{"value":"\\u00e9"}',
}

describe('an event record', () => {
  it('has its members in one order, content and prev as they stand, prev last', () => {
    expect(encodeEvent(event)).toBe(
      '{"id":"3-17-abcdefgh","room":"r\\"ü","seq":9,"type":"room.name","sender":{"id":"ann","name":"Ann \\"A\\""},"at":1700000000000,' +
        '"key":"","mentions":["bob"],"content":{"value":12345678901234567890,  "b":1.0},"prev":{"value":"\\u00e9"}}',
    )
  })

  it('comes back as it was', () => {
    expect(decodeEvent(Buffer.from(encodeEvent(event)))).toEqual(event)
  })

  it('keeps device, action, origin and erases out of the JSON; headers bring them back', () => {
    const whole = { ...event, device: 'd', action: { id: 4, digest: 'x' }, origin: 'o', erases: 3 }
    const value = encodeEvent(whole)
    expect(value).toBe(encodeEvent(event))
    expect(decodeRecord({ value, headers: { device: 'd', action: '{"id":4,"digest":"x"}', origin: 'o', erases: '3' } })).toEqual(whole)
  })

  it('is not a mark and not damage', () => {
    expect(() => decodeEvent('{"mark":"owner"}')).toThrow('not an event')
    expect(() => decodeEvent('{"id":')).toThrow('not an event')
    expect(() => decodeRecord({ value: null, headers: {} })).toThrow('not an event')
  })
})
