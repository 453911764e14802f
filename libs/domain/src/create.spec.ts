import { given, TestRoom } from '@roomlog/testing/given'
import { command, createRoom, deleteRoom, invite, join, leave, say, service, setPower, setState } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from './limits.js'

const nothing = () => given()
const create = (content: object = {}, more = {}) => command('ann', 'room.create', { content, ...more })

describe('creating a room', () => {
  it('appends plain state, in one order', () => {
    const content = {
      type: 'box',
      access: 'knock',
      history: 'joined',
      listed: true,
      name: 'N',
      topic: 'T',
      invite: ['bob', 'cid', 'bob', 'ann'],
    }
    nothing()
      .when(create(content))
      .then(
        { type: 'room.created', content: { type: 'box', access: 'knock', history: 'joined' } },
        { type: 'member.join', user: 'ann' },
        { type: 'room.power', key: '', content: { users: { ann: 100 }, stateDefault: 50, invite: 0 } },
        { type: 'room.access', key: '', content: { value: 'knock' } },
        { type: 'room.history', key: '', content: { value: 'joined' } },
        { type: 'room.listed', key: '', content: { value: true } },
        { type: 'room.name', key: '', content: { value: 'N' } },
        { type: 'room.topic', key: '', content: { value: 'T' } },
        { type: 'member.invite', user: 'bob' },
        { type: 'member.invite', user: 'cid' },
      )
  })

  it('without words makes a room that is entered by invitation, whose members see everything', () => {
    nothing()
      .when(create())
      .then(
        { type: 'room.created', content: { access: 'limited', history: 'shared' } },
        { type: 'member.join' },
        { type: 'room.power' },
        { type: 'room.access', content: { value: 'limited' } },
        { type: 'room.history', content: { value: 'shared' } },
      )
  })

  it('is refused where a room is, also to its creator', () => {
    given(createRoom('ann')).when(createRoom('bob')).thenRefused('conflict', 'room')
    given(createRoom('ann')).when(createRoom('ann')).thenRefused('conflict', 'room')
    given(createRoom('ann'), deleteRoom('ann')).when(createRoom('ann')).thenRefused('conflict', 'room')
  })

  it('by the same action of the same device is the same room', () => {
    const action = create({ name: 'N' }, { actionId: 7 })
    given(action).when(action).thenRepeats(6)
    given(action)
      .when({ ...action, device: 'laptop' })
      .thenRefused('conflict', 'room')
    given(action)
      .when({ ...action, sender: { id: 'bob' } })
      .thenRefused('conflict', 'room')
    given(action)
      .when({ ...action, digest: 'other' })
      .thenRefused('conflict', 'actionId')
  })

  it('names the action on its last event only', () => {
    const { room } = given(create({}, { actionId: 7 }))
    expect(room.events.map((event) => event.action?.id)).toEqual([undefined, undefined, undefined, undefined, 7])
    expect(room.events.every((event) => event.device === 'phone')).toBe(true)
  })

  it('is refused where the wish is malformed', () => {
    const wrong = [
      { access: 'open' },
      { access: 'restricted' },
      { access: 'restricted', accessRooms: [] },
      { access: 'restricted', accessRooms: [1] },
      { access: 'public', accessRooms: ['r2'] },
      { history: 'all' },
      { listed: 'yes' },
      { name: 1 },
      { topic: {} },
      { alias: '' },
      { alias: '#x' },
      { invite: 'bob' },
      { invite: [''] },
      { type: 7 },
    ]
    for (const content of wrong)
      expect(nothing().when(create(content)).decision, JSON.stringify(content)).toMatchObject({ refused: 'invalid' })
    nothing()
      .when(create('[]' as never))
      .thenRefused('invalid', 'content')
  })

  it('invites at most a hundred', () => {
    const users = Array.from({ length: 101 }, (_, i) => `u${i}`)
    nothing()
      .when(create({ invite: users }))
      .thenRefused('too_large')
    expect((nothing().when(create({ invite: users.slice(1) })).decision as { events: object[] }).events).toHaveLength(105)
    const small = new TestRoom('r', { ...defaultLimits, inviteesMax: 1 })
    expect(small.decide(create({ invite: ['a', 'b'] }))).toMatchObject({ refused: 'too_large' })
  })

  it('is not for the IDs of inboxes, aliases and system areas', () => {
    for (const room of ['@bob', '#x', 'system.files']) {
      expect(new TestRoom(room).decide(create({}, { room })), room).toHaveProperty('refused')
    }
  })
})

describe('a service with scope publish', () => {
  const rights = service('bot', 'publish')

  it('makes a room by speaking into it: limited, shared, its own', () => {
    nothing()
      .when(say('bot', 'hi', { rights, idempotencyKey: 'k1' }))
      .then(
        { type: 'room.created', content: { access: 'limited', history: 'shared' } },
        { type: 'member.join', user: 'bot' },
        { type: 'room.power', content: { users: { bot: 100 } } },
        { type: 'room.access' },
        { type: 'room.history' },
        { type: 'msg.text', sender: { id: 'bot' } },
      )
      .when(say('bot', 'hi', { rights, idempotencyKey: 'k1' }))
  })

  it('makes one by its state, too', () => {
    expect((nothing().when(setState('bot', 'pool', 'a', {}, { rights })).decision as { events: object[] }).events).toHaveLength(6)
  })

  it('makes none by anything else, and none again that was deleted', () => {
    nothing()
      .when(command('bot', 'room.name', { rights, content: { value: 'x' } }))
      .thenRefused('not_found')
    nothing().when(join('bot', { rights })).thenRefused('not_found')
    nothing()
      .when(say('bot', 'hi', { rights, ref: '0-1-12345678' }))
      .thenRefused('not_found')
    given(createRoom('ann'), deleteRoom('ann'))
      .when(say('bot', 'hi', { rights }))
      .thenRefused('not_found')
  })
})

describe('deleting a room', () => {
  it('needs power 100 and keeps what the deleter gives', () => {
    given(createRoom('ann'))
      .when(deleteRoom('ann', { publicKey: 'k' }))
      .then({ type: 'room.deleted', content: { publicKey: 'k' }, sender: { id: 'ann' } })
    given(createRoom('ann'), join('bob'), setPower('ann', { users: { ann: 100, bob: 99 } }))
      .when(deleteRoom('bob'))
      .thenRefused('forbidden')
    given(createRoom('ann')).when(deleteRoom('bob')).thenRefused('not_member')
  })

  it('is the end: nothing is found there any more', () => {
    const gone = given(createRoom('ann'), join('bob'), deleteRoom('ann'))
    for (const one of [
      say('bob', 'x'),
      join('cid'),
      leave('bob'),
      invite('ann', 'cid'),
      deleteRoom('ann'),
      setState('ann', 'app.x', '', {}),
    ]) {
      gone.when(one).thenRefused('not_found')
    }
  })
})
