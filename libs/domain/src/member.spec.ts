import { given, idAt } from '@roomlog/testing/given'
import { ban, command, createRoom, invite, join, kick, knock, leave, say, service, setPower } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const limited = createRoom('ann', { access: 'limited' })
const publicRoom = createRoom('ann')
const knocked = createRoom('ann', { access: 'knock' })
/** The creation of a room is five events. */
const first = 6

describe('joining', () => {
  it('is open to anybody in a public room', () => {
    given(publicRoom)
      .when(join('bob'))
      .then({ type: 'member.join', user: 'bob', sender: { id: 'bob' } })
  })

  it('needs an invitation in a limited room, which strangers do not even know of', () => {
    given(limited).when(join('bob')).thenRefused('not_found')
    given(createRoom('ann', { access: 'limited', listed: true }))
      .when(join('bob'))
      .thenRefused('forbidden')
    given(createRoom('ann', { access: 'limited', history: 'world' }))
      .when(join('bob'))
      .thenRefused('forbidden')
  })

  it('answers the invitation that it follows', () => {
    given(limited, invite('ann', 'bob'))
      .when(join('bob'))
      .then({ type: 'member.join', user: 'bob', ref: idAt(first) })
  })

  it('is refused to those who left a limited room', () => {
    given(limited, invite('ann', 'bob'), join('bob'), leave('bob')).when(join('bob')).thenRefused('forbidden')
  })

  it('is refused to the banned, also in a public room', () => {
    given(publicRoom, ban('ann', 'bob')).when(join('bob')).thenRefused('banned')
  })

  it('twice is once', () => {
    given(publicRoom, join('bob')).when(join('bob')).thenRepeats(first)
  })

  it('is for oneself', () => {
    given(publicRoom)
      .when(join('bob', { user: 'eve' }))
      .thenRefused('forbidden', 'user')
  })

  it('is open again to the kicked', () => {
    given(publicRoom, join('bob'), kick('ann', 'bob')).when(join('bob')).then({ type: 'member.join', user: 'bob' })
  })

  it('remembers the name that the member brought', () => {
    const { room } = given(publicRoom, join('bob', { sender: { id: 'bob', name: 'Bob' } } as never))
    expect(room.state.get('member:bob')).toMatchObject({ membership: 'joined', profile: { name: 'Bob' } })
  })

  it('is not vouched for by the content', () => {
    given(publicRoom)
      .when(join('bob', { content: { vouchedBy: 'x' } }))
      .thenRefused('invalid', 'content')
  })
})

describe('knocking', () => {
  it('is possible where access is knock', () => {
    given(knocked).when(knock('bob')).then({ type: 'member.knock', user: 'bob' })
  })

  it('is answered by an invitation, which names the knock', () => {
    given(knocked, knock('bob'))
      .when(invite('ann', 'bob'))
      .then({ type: 'member.invite', user: 'bob', ref: idAt(first) })
  })

  it('is withdrawn by leaving', () => {
    given(knocked, knock('bob'))
      .when(leave('bob'))
      .then({ type: 'member.leave', user: 'bob', ref: idAt(first) })
  })

  it('is refused in other rooms', () => {
    given(publicRoom).when(knock('bob')).thenRefused('forbidden')
    given(limited).when(knock('bob')).thenRefused('not_found')
  })

  it('is refused to the banned, the knocking and those who are in', () => {
    given(knocked, ban('ann', 'bob')).when(knock('bob')).thenRefused('banned')
    given(knocked, knock('bob')).when(knock('bob')).thenRefused('conflict')
    given(knocked).when(knock('ann')).thenRefused('conflict')
    given(knocked, invite('ann', 'bob')).when(knock('bob')).thenRefused('conflict')
  })

  it('opens no room by itself', () => {
    given(knocked, knock('bob')).when(join('bob')).thenRefused('forbidden')
  })
})

describe('inviting', () => {
  it('is open to members', () => {
    given(publicRoom, join('bob'))
      .when(invite('bob', 'cid'))
      .then({ type: 'member.invite', user: 'cid', sender: { id: 'bob' } })
  })

  it('needs a member with power to invite', () => {
    given(publicRoom).when(invite('bob', 'cid')).thenRefused('not_member')
    given(publicRoom, setPower('ann', { users: { ann: 100 }, invite: 10 }), join('bob'))
      .when(invite('bob', 'cid'))
      .thenRefused('forbidden')
  })

  it('is refused for members and for the banned', () => {
    given(publicRoom, join('bob')).when(invite('ann', 'bob')).thenRefused('conflict', 'user')
    given(publicRoom, ban('ann', 'bob')).when(invite('ann', 'bob')).thenRefused('forbidden', 'user')
  })

  it('names whom', () => {
    given(publicRoom).when(command('ann', 'member.invite')).thenRefused('invalid', 'user')
  })
})

describe('leaving', () => {
  it('names the join that it ends', () => {
    given(publicRoom, join('bob'))
      .when(leave('bob'))
      .then({ type: 'member.leave', user: 'bob', ref: idAt(first) })
  })

  it('declines an invitation', () => {
    given(limited, invite('ann', 'bob'))
      .when(leave('bob'))
      .then({ type: 'member.leave', user: 'bob', ref: idAt(first) })
  })

  it('is refused to who is not in', () => {
    given(publicRoom).when(leave('bob')).thenRefused('not_member')
    given(publicRoom, join('bob'), leave('bob')).when(leave('bob')).thenRefused('not_member')
    given(limited).when(leave('bob')).thenRefused('not_found')
    given(publicRoom, ban('ann', 'bob')).when(leave('bob')).thenRefused('banned')
  })

  it('ends the right to speak', () => {
    given(publicRoom, join('bob'), leave('bob')).when(say('bob', 'still here?')).thenRefused('not_member')
  })
})

describe('a service that speaks for a user', () => {
  const rights = service('irc', 'impersonate')

  it('joins as that user', () => {
    const { room } = given(publicRoom)
      .when(join('irc', { onBehalfOf: 'bob', rights }))
      .then({ type: 'member.join', user: 'bob', sender: { id: 'irc' }, onBehalfOf: 'bob' })
    expect(room.state.get('member:bob')).toMatchObject({ membership: 'joined' })
  })

  it('may do what that user may, and no more', () => {
    const joined = given(publicRoom, join('bob'))
    joined.when(say('irc', 'hi', { onBehalfOf: 'bob', rights })).then({ type: 'msg.text', onBehalfOf: 'bob' })
    joined.when(say('irc', 'hi', { onBehalfOf: 'eve', rights: service('irc', 'impersonate', 'publish') })).thenRefused('not_member')
    joined.when(kick('irc', 'ann', { onBehalfOf: 'bob', rights })).thenRefused('forbidden')
  })

  it('needs scope impersonate', () => {
    given(publicRoom)
      .when(join('irc', { onBehalfOf: 'bob', rights: service('irc', 'publish') }))
      .thenRefused('forbidden', 'onBehalfOf')
  })
})

describe('a room that is not there', () => {
  it('is not found, by any command', () => {
    for (const one of [join('bob'), leave('bob'), say('bob', 'x'), invite('bob', 'cid'), kick('bob', 'cid'), command('bob', 'room.name')]) {
      expect(given().when(one).decision, one.type).toMatchObject({ refused: 'not_found' })
    }
  })

  it('looks like one that a stranger may not know of', () => {
    const strange = [join('bob'), leave('bob'), knock('bob'), say('bob', 'x'), invite('bob', 'cid'), kick('bob', 'ann')]
    for (const one of strange) expect(given(limited).when(one).decision, one.type).toEqual(given().when(one).decision)
  })
})
