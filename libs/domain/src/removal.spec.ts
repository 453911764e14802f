import { given, idAt } from '@roomlog/testing/given'
import { ban, createRoom, invite, join, kick, say, setPower, unban } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const limited = createRoom('ann', { access: 'limited' })
const publicRoom = createRoom('ann')
/** The creation of a room is five events. */
const first = 6

describe('kicking', () => {
  const moderated = [publicRoom, join('bob'), join('mod'), setPower('ann', { users: { ann: 100, mod: 50 } })]

  it('needs power, and more than whom it concerns', () => {
    given(...moderated)
      .when(kick('mod', 'bob'))
      .then({ type: 'member.kick', user: 'bob', ref: idAt(first), sender: { id: 'mod' } })
    given(...moderated)
      .when(kick('bob', 'mod'))
      .thenRefused('forbidden')
    given(...moderated)
      .when(kick('mod', 'ann'))
      .thenRefused('forbidden', 'user')
    given(...moderated)
      .when(kick('mod', 'mod'))
      .thenRefused('forbidden', 'user')
  })

  it('needs a member', () => {
    given(publicRoom, join('bob')).when(kick('eve', 'bob')).thenRefused('not_member')
  })

  it('is refused for who is not in', () => {
    given(publicRoom).when(kick('ann', 'bob')).thenRefused('not_member', 'user')
  })

  it('takes an invitation back', () => {
    given(limited, invite('ann', 'bob'))
      .when(kick('ann', 'bob'))
      .then({ type: 'member.kick', user: 'bob', ref: idAt(first) })
  })

  it('ends the right to speak', () => {
    given(publicRoom, join('bob'), kick('ann', 'bob')).when(say('bob', 'why?')).thenRefused('not_member')
  })

  it('keeps the reason as it was given, and refuses one that is no text', () => {
    given(publicRoom, join('bob'))
      .when(kick('ann', 'bob', { content: '{"n":1e400,"reason":"spam"}' }))
      .then({ type: 'member.kick' })
    given(publicRoom, join('bob'))
      .when(kick('ann', 'bob', { content: { reason: 1 } }))
      .thenRefused('invalid', 'content')
    given(publicRoom, join('bob'))
      .when(kick('ann', 'bob', { content: '[]' }))
      .thenRefused('invalid', 'content')
  })
})

describe('banning', () => {
  it('needs power, and more than whom it concerns', () => {
    given(publicRoom, join('bob'), join('cid')).when(ban('bob', 'cid')).thenRefused('forbidden')
    given(publicRoom, join('bob')).when(ban('bob', 'ann')).thenRefused('forbidden')
    given(publicRoom, join('bob'))
      .when(ban('ann', 'bob'))
      .then({ type: 'member.ban', user: 'bob', ref: idAt(first) })
  })

  it('also concerns those who never came', () => {
    const [draft] = eventsOf(given(publicRoom).when(ban('ann', 'bob')))
    expect(draft).toMatchObject({ type: 'member.ban', user: 'bob' })
    expect(draft).not.toHaveProperty('ref')
  })

  it('ends at its time, judged at the next command', () => {
    const banned = given(publicRoom, ban('ann', 'bob', { at: 100, content: { until: 1_000 } }))
    banned.when(join('bob', { at: 999 })).thenRefused('banned')
    banned.when(join('bob', { at: 1_000 })).then({ type: 'member.join', user: 'bob' })
  })

  it('ends in time to come', () => {
    given(publicRoom)
      .when(ban('ann', 'bob', { at: 100, content: { until: 100 } }))
      .thenRefused('invalid', 'content')
    given(publicRoom)
      .when(ban('ann', 'bob', { content: { until: 1.5 } }))
      .thenRefused('invalid', 'content')
  })

  it('is taken back by unban, after which one may come again', () => {
    const unbanned = given(publicRoom, ban('ann', 'bob')).when(unban('ann', 'bob')).then({ type: 'member.unban', user: 'bob' })
    unbanned.when(join('bob')).then({ type: 'member.join' })
  })

  it('is taken back only where there is one, by who may ban', () => {
    given(publicRoom, join('bob')).when(unban('ann', 'bob')).thenRefused('conflict', 'user')
    given(publicRoom, join('bob'), ban('ann', 'eve')).when(unban('bob', 'eve')).thenRefused('forbidden')
  })

  it('is refused for who has as much power', () => {
    given(publicRoom, join('bob'), setPower('ann', { users: { ann: 100, bob: 100 } }))
      .when(ban('ann', 'bob'))
      .thenRefused('forbidden', 'user')
  })
})

function eventsOf(outcome: { decision: object }) {
  return (outcome.decision as { events: object[] }).events
}
