import { given, idAt } from '@roomlog/testing/given'
import { createRoom, join, say } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const room = (...more: Parameters<typeof given>) => given(createRoom('ann'), join('bob'), ...more)

describe('a command without an action ID', () => {
  it('is known by its origin', () => {
    const once = say('bob', 'x', { origin: 'ingest.events/3:17' })
    room(once).when(once).thenRepeats(7)
    room(once)
      .when({ ...once, origin: 'ingest.events/3:18' })
      .then({ origin: 'ingest.events/3:18' })
  })

  it('is known for the last 1,000', () => {
    const many = room(...Array.from({ length: 1_000 }, (_, i) => say('bob', 'x', { origin: `door/${i * 7919}` })))
    for (let i = 0; i < 1_000; i++) many.when(say('bob', 'x', { origin: `door/${i * 7919}` })).thenRepeats(7 + i)
  })

  it('without origin is never a repeat', () => {
    room(say('bob', 'x')).when(say('bob', 'x')).then({ type: 'msg.text' })
  })

  it('with an action ID is known by that alone', () => {
    const numbered = say('bob', 'x', { origin: 'o', actionId: 1 })
    expect(
      room()
        .when(numbered)
        .then({ action: { id: 1 } })
        .room.events.at(-1),
    ).not.toHaveProperty('origin')
    room(numbered)
      .when(say('bob', 'x', { origin: 'o' }))
      .then({ type: 'msg.text' })
  })
})

describe('an idempotency key', () => {
  const keyed = (key: string, sender = 'bob', origin = '') => say(sender, 'x', { idempotencyKey: key, origin })

  it('used again gets the first result, from wherever it comes', () => {
    room(keyed('k', 'bob', 'o1'))
      .when(keyed('k', 'bob', 'o2'))
      .thenRepeats(7)
  })

  it("is its sender's", () => {
    room(keyed('k')).when(keyed('k', 'ann')).then({ type: 'msg.text' })
  })

  it('is not mistaken for an origin', () => {
    room(keyed('k'))
      .when(say('bob', 'x', { origin: 'k' }))
      .then({ type: 'msg.text' })
    room(say('bob', 'x', { origin: 'k' }))
      .when(keyed('k'))
      .then({ type: 'msg.text' })
  })

  it('is known for the last 10,000, in entries that stay small', () => {
    const { room: busy } = room()
    for (let i = 0; i < 10_000; i++) busy.do(keyed(`order-${i}`))
    for (let i = 0; i < 10_000; i += 37) expect(busy.decide(keyed(`order-${i}`))).toEqual({ repeat: { event: idAt(7 + i), seq: 7 + i } })
    for (const [key, entry] of busy.state.entries) if (key.startsWith('keys:')) expect((entry as unknown[]).length).toBeLessThanOrEqual(32)
  })

  it('forgets the oldest first', () => {
    const { room: busy } = room()
    for (let i = 0; i < 60_000; i++) busy.do(keyed(`order-${i}`))
    expect(busy.decide(keyed('order-0'))).toHaveProperty('events')
    expect(busy.decide(keyed('order-59999'))).toHaveProperty('repeat')
  })
})
