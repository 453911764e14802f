import { given, Rooms } from '@roomlog/testing/given'
import { command, createRoom, deleteRoom, invite, join, setState } from '@roomlog/testing/room-commands'
import { beforeEach, describe, expect, it } from 'vitest'
import type { FollowUp } from './command.js'
import type { Decision } from './rules.js'

let rooms: Rooms
beforeEach(() => {
  rooms = new Rooms()
})

const named = (room: string, alias: string, by = 'ann', more = {}) => createRoom(by, { alias }, { room, ...more })
const owner = (alias: string) => rooms.room(`#${alias}`).state.get('alias')
const typesOf = (decision: Decision) => ('events' in decision ? decision.events.map((event) => event.type) : decision)
const give = (room: string, alias: string, content: object | null = {}) => setState('ann', 'room.alias', alias, content, { room })

describe('creating a room with an alias', () => {
  it("goes through the alias's own room first, and back", () => {
    given()
      .when(named('r', 'lobby'))
      .thenForwards({ type: 'alias.claim', room: '#lobby', rights: { internal: true } })
    expect(typesOf(rooms.do(named('r', 'lobby')))).toContain('room.alias')
    expect(owner('lobby')).toEqual({ room: 'r' })
  })

  it('is refused where another room has the alias, and leaves nothing behind', () => {
    rooms.do(named('r1', 'lobby'))
    expect(rooms.do(named('r2', 'lobby'))).toMatchObject({ refused: 'alias_taken', field: 'alias' })
    expect(rooms.room('r2').events).toEqual([])
    expect(owner('lobby')).toEqual({ room: 'r1' })
  })

  it('gives the alias back where the room refuses', () => {
    rooms.do(createRoom('eve', {}, { room: 'r' }))
    rooms.room('r').state.entries.delete('room')
    const [forwarded] = (rooms.room('r').decide(named('r', 'lobby')) as { forward: FollowUp[] }).forward
    rooms.room('r').state.entries.set('room', { created: true, seq: 5, at: 0 })
    expect(rooms.do({ ...forwarded!.command, at: 0, digest: '', origin: '' })).toMatchObject({ refused: 'conflict' })
    expect(owner('lobby')).toEqual({})
    expect(typesOf(rooms.do(named('r3', 'lobby')))).toContain('room.created')
  })

  it('again by the same action is the same room, which keeps its alias', () => {
    const create = named('r', 'lobby', 'ann', { actionId: 1 })
    const first = rooms.do(create)
    expect(rooms.do(create)).toEqual({ repeat: expect.objectContaining({ seq: (first as { events: object[] }).events.length }) })
    expect(owner('lobby')).toEqual({ room: 'r' })
  })
})

describe('an alias', () => {
  it('is given to a room by who has power for state', () => {
    rooms.do(createRoom('ann'))
    rooms.do(join('bob'))
    expect(rooms.do(setState('bob', 'room.alias', 'a', {}))).toMatchObject({ refused: 'forbidden' })
    expect(owner('a')).toBeUndefined()
    expect(typesOf(rooms.do(give('r', 'a')))).toEqual(['room.alias'])
    expect(owner('a')).toEqual({ room: 'r' })
  })

  it('belongs to one room at a time', () => {
    rooms.do(named('r1', 'a'))
    rooms.do(createRoom('ann', {}, { room: 'r2' }))
    expect(rooms.do(give('r2', 'a'))).toMatchObject({ refused: 'alias_taken' })
    rooms.do(give('r1', 'a', null))
    expect(owner('a')).toEqual({})
    expect(typesOf(rooms.do(give('r2', 'a')))).toEqual(['room.alias'])
    expect(owner('a')).toEqual({ room: 'r2' })
  })

  it('stays where a second wish for it is refused by its own room', () => {
    rooms.do(named('r', 'a'))
    expect(rooms.do(setState('ann', 'room.alias', 'a', {}, { ifSeq: 1 }))).toMatchObject({ refused: 'conflict' })
    const back = { ...setState('eve', 'room.alias', 'a', {}), claimed: 'a' }
    expect(rooms.do(back)).toMatchObject({ refused: 'not_member' })
    expect(owner('a')).toEqual({ room: 'r' })
  })

  it('is given back where its room refuses it after all', () => {
    rooms.do(createRoom('ann'))
    expect(rooms.room('r').decide({ ...setState('eve', 'room.alias', 'a', {}), claimed: 'a' })).toMatchObject({
      refused: 'not_member',
      then: [{ command: { type: 'alias.release', room: '#a', content: '{"room":"r"}' }, carriesReply: false }],
    })
  })

  it('given again to its room stays there, and is released once', () => {
    rooms.do(named('r', 'a'))
    rooms.do(give('r', 'a', { note: 'again' }))
    rooms.do(give('r', 'a', null))
    rooms.do(give('r', 'a', null))
    expect(rooms.followed.filter(({ command }) => command.type === 'alias.release')).toHaveLength(1)
  })

  it('is free again when its room is deleted', () => {
    rooms.do(named('r', 'a'))
    rooms.do(give('r', 'b'))
    rooms.do(give('r', 'c'))
    rooms.do(give('r', 'b', null))
    const before = rooms.followed.length
    rooms.do(deleteRoom('ann'))
    expect(rooms.followed.slice(before).map(({ command }) => [command.type, command.room])).toEqual([
      ['alias.release', '#a'],
      ['alias.release', '#c'],
    ])
    expect(owner('a')).toEqual({})
  })

  it('is not released by a room that does not have it', () => {
    rooms.do(named('r', 'a'))
    const release = command('x', 'alias.release', { room: '#a', content: { room: 'other' }, rights: { internal: true } })
    expect(rooms.do(release)).toEqual({ events: [] })
    expect(owner('a')).toEqual({ room: 'r' })
  })

  it('is one of at most a hundred of its room', () => {
    rooms.do(createRoom('ann'))
    for (let i = 0; i < 100; i++) rooms.do(give('r', `a${i}`))
    expect(rooms.do(give('r', 'one-more'))).toMatchObject({ refused: 'limited' })
    expect(typesOf(rooms.do(give('r', 'a7')))).toEqual(['room.alias'])
    rooms.do(give('r', 'a7', null))
    expect(typesOf(rooms.do(give('r', 'one-more')))).toEqual(['room.alias'])
  })

  it('is claimed and released by the authority only; its room takes nothing else', () => {
    for (const type of ['alias.claim', 'alias.release']) {
      expect(rooms.do(command('eve', type, { room: '#a', content: { room: 'r' } }))).toMatchObject({ refused: 'forbidden' })
    }
    for (const one of [
      command('eve', 'msg.text', { room: '#a' }),
      join('eve', { room: '#a' }),
      invite('eve', 'bob', { room: '#a' }),
      createRoom('eve', {}, { room: '#a' }),
    ]) {
      expect(rooms.do(one)).toMatchObject({ refused: 'not_found' })
    }
  })
})
