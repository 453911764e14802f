import type { RoomEvent } from '@roomlog/domain'
import { describe, expect, it } from 'vitest'
import { encodeEvent } from './event.js'
import { deletionOf, tombstone } from './tombstone.js'

const message: RoomEvent = {
  id: '3-7-abcdefgh',
  room: 'r',
  seq: 4,
  type: 'msg.text',
  sender: { id: 'anna', name: 'Anna' },
  at: 5,
  thread: '3-1-abcdefgh',
  mentions: ['ben'],
  content: '{"body":"secret"}',
  prev: '{"body":"older secret"}',
}
const deletion = deletionOf({ sender: { id: 'mod' }, at: 9, id: '3-9-hgfedcba', content: '{"reason":"spam"}' })

describe('a tombstone', () => {
  it('keeps where the event stands and loses its words', () => {
    expect(tombstone(encodeEvent(message), deletion)).toBe(
      '{"id":"3-7-abcdefgh","room":"r","seq":4,"type":"msg.text","sender":{"id":"anna","name":"Anna"},"at":5,"thread":"3-1-abcdefgh","content":null,"deleted":{"by":"mod","at":9,"event":"3-9-hgfedcba","reason":"spam"}}',
    )
  })

  it('stays as it is when the event is deleted again', () => {
    const first = tombstone(encodeEvent(message), deletion)
    expect(tombstone(first, { by: 'other', at: 10, event: '3-10-hgfedcba' })).toBe(first)
    expect(tombstone(Buffer.from(first), { by: 'other', at: 10, event: '3-10-hgfedcba' })).toBe(first)
  })

  it('has no reason where the deleter gave none', () => {
    expect(deletionOf({ sender: { id: 'mod' }, at: 9, id: 'x', content: 'null' }).reason).toBeUndefined()
    expect(deletionOf({ sender: { id: 'mod' }, at: 9, id: 'x', content: '{"reason":7}' }).reason).toBeUndefined()
  })
})
