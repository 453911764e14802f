import { given } from '@roomlog/testing/given'
import {
  ban,
  command,
  createRoom,
  deleteRoom,
  invite,
  join,
  kick,
  leave,
  say,
  service,
  setPower,
  setState,
} from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const limited = createRoom('ann', { access: 'limited' })
const write = { rights: { write: true } }
const admin = { rights: { admin: true } }

describe('a grant to write', () => {
  it('is for messages with power 0, and leaves its trace', () => {
    given(limited)
      .when(say('eve', 'x', write))
      .then({ type: 'msg.text', by: 'grant', sender: { id: 'eve' } })
    given(limited, setPower('ann', { users: { ann: 100 }, eventsDefault: 1 }))
      .when(say('eve', 'x', write))
      .thenRefused('not_found')
  })

  it('is for no state and no membership', () => {
    given(limited)
      .when(setState('eve', 'app.x', '', {}, write))
      .thenRefused('not_found')
    given(limited, setPower('ann', { users: { ann: 100 }, stateDefault: 0 }))
      .when(setState('eve', 'app.x', '', {}, write))
      .thenRefused('not_found')
    given(limited)
      .when(invite('eve', 'bob', write))
      .thenRefused('not_found')
    given(limited)
      .when(kick('eve', 'ann', write))
      .thenRefused('not_found')
    given(limited).when(join('eve', write)).thenRefused('not_found')
  })

  it('is not needed by members', () => {
    const { decision } = given(createRoom('ann'), join('bob')).when(say('bob', 'x', write))
    expect((decision as { events: object[] }).events[0]).not.toHaveProperty('by')
  })

  it('does not stand against a ban', () => {
    given(limited, ban('ann', 'eve'))
      .when(say('eve', 'x', write))
      .thenRefused('banned')
  })
})

describe('a grant of administration', () => {
  it('is power 100', () => {
    const room = given(limited, invite('ann', 'bob'))
    room.when(setState('eve', 'room.name', '', { value: 'x' }, admin)).then({ type: 'room.name', by: 'grant' })
    room.when(kick('eve', 'bob', admin)).then({ type: 'member.kick', by: 'grant' })
    room.when(invite('eve', 'cid', admin)).then({ type: 'member.invite', by: 'grant' })
    room.when(say('eve', 'x', admin)).then({ type: 'msg.text', by: 'grant' })
    room.when(setPower('eve', { users: { ann: 100, eve: 100 } }, admin)).then({ type: 'room.power', by: 'grant' })
    room.when({ ...deleteRoom('eve'), ...admin }).then({ type: 'room.deleted', by: 'grant' })
  })

  it('is no more than that', () => {
    const room = given(limited)
    room.when(kick('eve', 'ann', admin)).thenRefused('forbidden', 'user')
    room.when(setPower('eve', { users: { ann: 99 } }, admin)).thenRefused('forbidden')
    room.when(setPower('eve', { users: { ann: 100, bob: 101 } }, admin)).thenRefused('forbidden')
  })

  it('does not stand against a ban', () => {
    given(limited, ban('ann', 'eve'))
      .when(say('eve', 'x', admin))
      .thenRefused('banned')
  })
})

describe('a grant to read', () => {
  it('lets its user know that the room is there, and no more', () => {
    given(limited)
      .when(say('eve', 'x', { rights: { read: true } }))
      .thenRefused('not_member')
    given(limited)
      .when(join('eve', { rights: { logs: true } }))
      .thenRefused('forbidden')
  })
})

describe('a service', () => {
  it('with scope publish speaks in its own name into any room', () => {
    const rights = service('bot', 'publish')
    const { decision } = given(limited, setPower('ann', { users: { ann: 100 }, eventsDefault: 90 })).when(say('bot', 'x', { rights }))
    expect((decision as { events: object[] }).events[0]).toMatchObject({ type: 'msg.text', sender: { id: 'bot' } })
    expect((decision as { events: object[] }).events[0]).not.toHaveProperty('by')
  })

  it('with scope publish is no member and has no power', () => {
    const rights = service('bot', 'publish')
    for (const one of [
      kick('bot', 'ann', { rights }),
      invite('bot', 'eve', { rights }),
      leave('bot', { rights }),
      { ...deleteRoom('bot'), rights },
    ]) {
      expect(given(limited).when(one).decision, one.type).toMatchObject({ refused: 'not_found' })
    }
  })

  it('with scope publish that is banned is silent', () => {
    given(limited, ban('ann', 'bot'))
      .when(say('bot', 'x', { rights: service('bot', 'publish') }))
      .thenRefused('banned')
  })

  it('with scope admin has power 100 everywhere, also where it is banned', () => {
    const rights = service('ops', 'admin')
    given(limited, ban('ann', 'ops'))
      .when({ ...deleteRoom('ops'), rights })
      .then({ type: 'room.deleted' })
    given(limited)
      .when(kick('ops', 'ann', { rights }))
      .thenRefused('forbidden', 'user')
  })

  it('without a scope is a user like any other', () => {
    given(createRoom('ann'))
      .when(say('bot', 'x', { rights: service('bot') }))
      .thenRefused('not_member')
  })
})

it('only the authority tells the time', () => {
  given(limited).when(command('ann', 'time.passed')).thenRefused('forbidden')
  given(limited)
    .when(command('', 'time.passed', { sender: { id: 'roomlog' }, rights: { internal: true } } as never))
    .then()
})
