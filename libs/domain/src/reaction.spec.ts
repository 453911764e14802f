import { given, idAt } from '@roomlog/testing/given'
import { command, createRoom, deleteMessage, editMessage, join, leave, say, service } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reactionWindow } from './reaction.js'

const react = (user: string, ref: string, key: unknown = '👍', more = {}) =>
  command(user, 'msg.reaction', { ref, content: { key }, ...more })
const unreact = (user: string, ref: string, key = '👍') => command(user, 'msg.unreact', { ref, content: { key } })
/** Seven events, of which the last is bob's message. */
const room = (...more: Parameters<typeof given>) => given(createRoom('ann'), join('bob'), say('bob', 'hello'), ...more)
const hello = idAt(7)

describe('a reaction', () => {
  it('is to a message of this room, with a key, by a member', () => {
    room()
      .when(react('ann', hello))
      .then({ type: 'msg.reaction', ref: hello, content: { key: '👍' } })
    room().when(react('eve', hello)).thenRefused('not_member')
    room()
      .when(react('ann', idAt(99)))
      .thenRefused('not_found')
    room()
      .when(react('ann', idAt(1)))
      .thenRefused('invalid')
    room()
      .when(command('ann', 'msg.reaction', { content: { key: 'x' } }))
      .thenRefused('invalid')
    for (const key of ['', 5, null, 'e\u0301'])
      room()
        .when(react('ann', hello, key))
        .thenRefused('invalid')
    room()
      .when(react('ann', hello, 'x'.repeat(256)))
      .thenRefused('too_large')
    room(react('ann', hello))
      .when(react('bob', idAt(8)))
      .thenRefused('invalid')
    room(react('ann', hello))
      .when(editMessage('ann', idAt(8)))
      .thenRefused('invalid')
  })

  it('is given once by each user with each key, until it is taken back', () => {
    const reacted = room(react('ann', hello))
    expect(reacted.room.decide(react('ann', hello))).toMatchObject({ refused: 'duplicate_reaction' })
    reacted.when(react('bob', hello)).then({ type: 'msg.reaction' })
    reacted.when(react('ann', hello, '👎')).then({ type: 'msg.reaction' })
    reacted.when(unreact('ann', hello)).then({ type: 'msg.unreact' })
    reacted.when(react('ann', hello)).then({ type: 'msg.reaction' })
  })

  it("counts as the user's for whom a service speaks", () => {
    const rights = service('bridge', 'impersonate')
    const bridged = room(react('bridge', hello, '👍', { rights, onBehalfOf: 'bob' }))
    bridged.when(react('bob', hello)).thenRefused('duplicate_reaction')
    bridged.when(react('ann', hello)).then({ type: 'msg.reaction' })
  })

  it('is not given to a deleted message, nor by who has left', () => {
    room(deleteMessage('bob', hello)).when(react('ann', hello)).thenRefused('not_found')
    room(leave('bob')).when(react('bob', hello)).thenRefused('not_member')
  })

  it('is remembered for 10,000 events of the room, and then taken again', () => {
    const { room: talked } = room(react('ann', hello))
    while (talked.events.length < reactionWindow + 7) talked.do(say('bob', '', { origin: '' }))
    expect(talked.decide(react('ann', hello))).toMatchObject({ refused: 'duplicate_reaction' })
    talked.do(say('bob', ''))
    expect('events' in talked.decide(react('ann', hello))).toBe(true)
  })

  it('stands exactly where a set of (user, message, key) says so', () => {
    const step = fc.record({
      user: fc.constantFrom('ann', 'bob'),
      ref: fc.constantFrom(7, 8).map(idAt),
      key: fc.constantFrom('a', 'b'),
      takesBack: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { room: tried } = room(say('ann', 'second'))
        const model = new Set<string>()
        for (const { user, ref, key, takesBack } of steps) {
          const name = `${user} ${ref} ${key}`
          const decision = tried.do(takesBack ? unreact(user, ref, key) : react(user, ref, key))
          expect('events' in decision, name).toBe(takesBack || !model.has(name))
          if (takesBack) model.delete(name)
          else model.add(name)
        }
      }),
    )
  })

  it('has bounded state, however many there are', () => {
    const { room: busy } = room()
    for (let i = 0; i < 3_000; i++) busy.do(react('ann', hello, `k${i}`))
    const entries = [...busy.state.keys('reactions:')].map((key) => busy.state.get(key) as unknown[])
    expect(entries.length).toBeLessThanOrEqual(1_024)
    expect(Math.max(...entries.map((entry) => entry.length))).toBeLessThanOrEqual(32)
  })
})
