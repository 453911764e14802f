import { Given, given, Rooms, TestRoom } from '@roomlog/testing/given'
import { command, createRoom, join, kick, leave, type Special } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import type { FollowUp } from './command.js'

const set = (content: object, more: Special = {}) => command('bob', 'profile.set', { room: '@bob', content, ...more })
const profilesIn = (rooms: Rooms, room: string) => rooms.room(room).events.filter((event) => event.type === 'member.profile')

describe('a profile', () => {
  it("is its user's own, and names the one before", () => {
    const inbox = new Given(new TestRoom('@bob'))
    inbox.when(set({ name: 'Bob' })).then({ type: 'profile.changed', content: { name: 'Bob' } })
    inbox.when(set({ name: 'Robert', avatar: 'a' })).then({ content: { name: 'Robert', avatar: 'a' }, prev: { name: 'Bob' } })
    inbox.when(set({ name: 'x' }, { sender: { id: 'eve' } } as never)).thenRefused('forbidden')
  })

  it('is made of texts', () => {
    for (const wrong of [{ name: 1 }, { avatar: {} }]) new Given(new TestRoom('@bob')).when(set(wrong)).thenRefused('invalid', 'content')
    new Given(new TestRoom('@bob')).when(set('[]' as never)).thenRefused('invalid', 'content')
  })

  it('changes in every room of the user, and in no other', () => {
    const rooms = new Rooms()
    for (const room of ['r1', 'r2', 'r3', 'r4']) rooms.do(createRoom('ann', {}, { room }))
    for (const room of ['r1', 'r2', 'r3']) rooms.do(join('bob', { room }))
    rooms.do(leave('bob', { room: 'r2' }))
    rooms.do(kick('ann', 'bob', { room: 'r3' }))
    rooms.do(set({ name: 'Bob' }))
    expect(profilesIn(rooms, 'r1')).toMatchObject([
      { user: 'bob', sender: { id: 'bob', name: 'Bob' }, content: '{"name":"Bob"}', prev: '{}' },
    ])
    for (const room of ['r2', 'r3', 'r4']) expect(profilesIn(rooms, room)).toEqual([])
    rooms.do(set({ name: 'Robert' }))
    expect(profilesIn(rooms, 'r1')[1]).toMatchObject({ prev: '{"name":"Bob"}' })
    expect(rooms.room('r1').state.get('member:bob')).toMatchObject({ membership: 'joined', profile: { name: 'Robert' } })
  })

  it('goes from room to room in steps of at most 128 commands', () => {
    const rooms = new Rooms()
    for (let i = 0; i < 300; i++) {
      rooms.do(createRoom('ann', {}, { room: `r${i}` }))
      rooms.do(join('bob', { room: `r${i}` }))
    }
    const before = rooms.followed.length
    rooms.do(set({ name: 'Bob' }))
    const followed = rooms.followed.slice(before)
    expect(followed.filter(({ command }) => command.type === 'profile.continue')).toHaveLength(3)
    expect(followed.filter(({ command }) => command.type === 'member.profile')).toHaveLength(300)
    for (let i = 0; i < 300; i++) expect(profilesIn(rooms, `r${i}`)).toHaveLength(1)
    const step = rooms
      .room('@bob')
      .decide(command('bob', 'profile.continue', { room: '@bob', content: { after: '' }, rights: { internal: true } }))
    expect((step as { then: object[] }).then).toHaveLength(128)
  })

  it('takes another step for one more room', () => {
    const inbox = new TestRoom('@bob')
    const internal = { room: '@bob', rights: { internal: true } }
    for (let i = 0; i < 128; i++) inbox.do(command('bob', 'room.joined', { ...internal, content: { room: `r${i}`, seq: 1 } }))
    const step = inbox.decide(command('bob', 'profile.continue', { ...internal, content: { after: '' } })) as { then: FollowUp[] }
    expect(step.then.map(({ command: { type } }) => type)).toEqual([...Array(127).fill('member.profile'), 'profile.continue'])
  })

  it('goes on by the authority only', () => {
    new Given(new TestRoom('@bob'))
      .when(command('bob', 'profile.continue', { room: '@bob', content: { after: '' } }))
      .thenRefused('forbidden')
  })
})

describe('a profile in one room', () => {
  const told = (content: object) => command('bob', 'member.profile', { content, rights: { internal: true } })

  it('is changed by the member, too', () => {
    given(createRoom('ann'), join('bob'))
      .when(command('bob', 'member.profile', { content: { name: 'B' } }))
      .then({ type: 'member.profile', user: 'bob', prev: {} })
    given(createRoom('ann'))
      .when(command('bob', 'member.profile', { content: { name: 'B' } }))
      .thenRefused('not_member')
    given(createRoom('ann'), join('bob'))
      .when(command('bob', 'member.profile', { content: { name: 7 } }))
      .thenRefused('invalid', 'content')
  })

  it('told again is no event, nor is one of somebody who left', () => {
    const room = given(createRoom('ann'), join('bob'))
    room.when(told({ name: 'B' })).then({ type: 'member.profile' })
    room.when(told({ name: 'B' })).then()
    room.when(leave('bob')).then({})
    room.when(told({ name: 'C' })).then()
  })
})
