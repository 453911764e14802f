import { given, idAt } from '@roomlog/testing/given'
import {
  ban,
  command,
  createRoom,
  deleteMessage,
  editMessage,
  join,
  leave,
  say,
  service,
  setPower,
  setState,
} from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** Seven events, of which the last is bob's message; mia is a moderator. */
const room = (...more: Parameters<typeof given>) =>
  given(createRoom('ann'), join('bob'), say('bob', 'hello'), join('mia'), setPower('ann', { users: { ann: 100, mia: 50 } }), ...more)
const hello = idAt(7)
const mute = (by: string, user: string, content: object | null = {}) => setState(by, 'room.mute', user, content)
const mode = (content: object, by = 'ann') => command(by, 'room.mode', { content })
const at = (ms: number) => ({ at: ms })

describe('a mute', () => {
  it('keeps a member from posting, editing and reacting, and from nothing else', () => {
    const muted = () => room(mute('mia', 'bob'))
    muted().when(say('bob', 'x')).thenRefused('forbidden')
    muted().when(editMessage('bob', hello)).thenRefused('forbidden')
    muted()
      .when(command('bob', 'msg.reaction', { ref: hello, content: { key: 'x' } }))
      .thenRefused('forbidden')
    muted().when(deleteMessage('bob', hello)).then({ type: 'msg.delete' })
    muted().when(leave('bob')).then({ type: 'member.leave' })
    muted().when(say('ann', 'x')).then({ type: 'msg.text' })
  })

  it('ends at its time, and says when', () => {
    const muted = room(mute('mia', 'bob', { until: 50 }))
    expect(muted.room.decide(say('bob', 'x', at(20)))).toMatchObject({ refused: 'forbidden', retryAfterMs: 30 })
    muted.when(say('bob', 'x', at(50))).then({ type: 'msg.text' })
    room(mute('mia', 'bob'), mute('mia', 'bob', null))
      .when(say('bob', 'x'))
      .then({ type: 'msg.text' })
  })

  it('is by moderators, and of those with less power', () => {
    room().when(mute('bob', 'mia')).thenRefused('forbidden')
    room().when(mute('mia', 'ann')).thenRefused('forbidden')
    room(mute('ann', 'mia')).when(say('mia', 'x')).then({ type: 'msg.text' })
    room()
      .when(mute('mia', 'bob', { until: -1 }))
      .thenRefused('invalid')
  })
})

describe('a frozen room', () => {
  it('takes posts of moderators only', () => {
    const frozen = () => room(mode({ frozen: true }))
    frozen().when(say('bob', 'x')).thenRefused('forbidden')
    frozen()
      .when(say('news', 'x', { rights: service('news', 'publish') }))
      .thenRefused('forbidden')
    frozen().when(say('mia', 'x')).then({ type: 'msg.text' })
    frozen()
      .when(say('eve', 'x', { rights: { admin: true } }))
      .then({ type: 'msg.text' })
    room(mode({ frozen: true }), mode({}))
      .when(say('bob', 'x'))
      .then({ type: 'msg.text' })
    room()
      .when(mode({ frozen: true }, 'mia'))
      .thenRefused('forbidden')
  })
})

describe('slow mode', () => {
  const slow = () => room(mode({ slowModeMs: 10 }))

  it('lets a member say something once in a while, and says when again', () => {
    const talked = slow()
      .when(say('bob', 'x', at(5)))
      .then({ type: 'msg.text', pacedUntil: 15 })
    expect(talked.room.decide(say('bob', 'y', at(12)))).toMatchObject({ refused: 'limited', retriable: true, retryAfterMs: 3 })
    talked.when(say('bob', 'y', at(15))).then({ type: 'msg.text', pacedUntil: 25 })
  })

  it('is for each member, and not for moderators, services, calls, edits and deletions', () => {
    const talked = () => slow().when(say('bob', 'x'))
    talked().when(say('mia', 'x')).when(say('mia', 'y')).then({ type: 'msg.text' })
    talked()
      .when(say('bot', 'x', { rights: service('bot', 'publish') }))
      .when(say('bot', 'y', { rights: service('bot', 'publish') }))
      .then({ type: 'msg.text' })
    talked().when(command('bob', 'call.invite')).then({ type: 'call.invite' })
    talked().when(editMessage('bob', hello)).then({ type: 'msg.edit' })
    talked().when(deleteMessage('bob', hello)).then({ type: 'msg.delete' })
  })

  it('never lets two messages of one member come nearer than it says, and keeps no more than those who wait', () => {
    const step = fc.tuple(fc.constantFrom('bob', 'cid', 'dan'), fc.integer({ min: 0, max: 4 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { room: tried } = room(join('cid'), join('dan'), mode({ slowModeMs: 10 }))
        const last = new Map<string, number>()
        let now = 0
        for (const [user, later] of steps) {
          now += later
          const taken = 'events' in tried.do(say(user, 'x', at(now)))
          expect(taken).toBe(now >= (last.get(user) ?? -10) + 10)
          if (taken) last.set(user, now)
        }
        const kept = [...tried.state.keys('paced:')].flatMap((key) => tried.state.get(key) as unknown[])
        expect(kept.length).toBeLessThanOrEqual(3)
      }),
    )
  })
})

describe('encryption', () => {
  it('is switched on once', () => {
    const sealed = () => room(mode({ encrypted: true }))
    sealed().when(mode({})).thenRefused('invalid')
    sealed()
      .when(setState('ann', 'room.mode', '', null))
      .thenRefused('invalid')
    sealed()
      .when(mode({ encrypted: true, frozen: true }))
      .then({ type: 'room.mode' })
    room()
      .when(mode({ encrypted: 1 }))
      .thenRefused('invalid')
  })
})

describe('a ban with an end', () => {
  it('says when it ends, and ends then', () => {
    const banned = room(ban('ann', 'bob', { content: { until: 50 }, at: 10 }))
    for (const wish of [join('bob', at(20)), say('bob', 'x', at(20)), leave('bob', at(20))]) {
      expect(banned.room.decide(wish)).toMatchObject({ refused: 'banned', retryAfterMs: 30 })
    }
    banned.when(join('bob', at(50))).then({ type: 'member.join' })
  })
})

describe('mentioning everybody', () => {
  it('needs the power to notify the room', () => {
    room()
      .when(say('bob', 'x', { mentions: ['@room'] }))
      .thenRefused('forbidden')
    room()
      .when(say('bob', 'x', { mentions: ['ann'] }))
      .then({ mentions: ['ann'] })
    room()
      .when(say('mia', 'x', { mentions: ['@room', 'bob'] }))
      .then({ mentions: ['@room', 'bob'] })
  })
})
