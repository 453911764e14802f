import { Rooms } from '@roomlog/testing/given'
import { ban, command, createRoom, invite, join, kick, leave, setAccess } from '@roomlog/testing/room-commands'
import { beforeEach, describe, expect, it } from 'vitest'

let rooms: Rooms
beforeEach(() => {
  rooms = new Rooms()
  for (const room of ['club', 'guild']) rooms.do(createRoom('ann', {}, { room }))
  rooms.do(createRoom('ann', { access: 'restricted', accessRooms: ['void', 'club', 'guild'] }))
})

describe('a restricted room', () => {
  it('is entered by members of a named room, whichever it is', () => {
    rooms.do(join('bob', { room: 'guild' }))
    expect(rooms.do(join('bob'))).toMatchObject({ events: [{ type: 'member.join', user: 'bob', content: '{"vouchedBy":"guild"}' }] })
    expect(rooms.followed.filter(({ command }) => command.type === 'member.attest').map(({ command }) => command.room)).toEqual([
      'void',
      'club',
      'guild',
    ])
  })

  it('keeps what the user said', () => {
    rooms.do(join('bob', { room: 'club' }))
    expect(rooms.do(join('bob', { content: ' {"reason":"x","n":1.0}' }))).toMatchObject({
      events: [{ content: '{"vouchedBy":"club","reason":"x","n":1.0}' }],
    })
  })

  it('is closed to everybody else', () => {
    expect(rooms.do(join('eve'))).toMatchObject({ refused: 'forbidden' })
    rooms.do(join('eve', { room: 'club' }))
    rooms.do(leave('eve', { room: 'club' }))
    expect(rooms.do(join('eve'))).toMatchObject({ refused: 'forbidden' })
  })

  it('is open to the invited without being vouched for', () => {
    rooms.do(invite('ann', 'eve'))
    expect(rooms.do(join('eve'))).toMatchObject({ events: [{ type: 'member.join', content: '{}' }] })
  })

  it('is closed to its banned, whoever vouches', () => {
    rooms.do(join('bob', { room: 'club' }))
    rooms.do(ban('ann', 'bob'))
    expect(rooms.do(join('bob'))).toMatchObject({ refused: 'banned' })
    expect(rooms.room('r').decide({ ...join('bob'), vouchedBy: 'club' })).toMatchObject({ refused: 'banned' })
  })

  it('takes no attestation of a room that it does not name, or no longer', () => {
    expect(rooms.room('r').decide({ ...join('bob'), vouchedBy: 'elsewhere' })).toMatchObject({ refused: 'forbidden' })
    rooms.do(setAccess('ann', 'restricted', ['guild']))
    expect(rooms.room('r').decide({ ...join('bob'), vouchedBy: 'club' })).toMatchObject({ refused: 'forbidden' })
    rooms.do(setAccess('ann', 'limited'))
    expect(rooms.room('r').decide({ ...join('bob'), vouchedBy: 'guild' })).toMatchObject({ refused: 'not_found' })
  })

  it('lets the kicked come back, as a public one does', () => {
    rooms.do(join('bob', { room: 'club' }))
    rooms.do(join('bob'))
    rooms.do(kick('ann', 'bob'))
    expect(rooms.do(join('bob'))).toMatchObject({ events: [{ type: 'member.join' }] })
  })

  it('knows the action as decided, whether it lets in or not', () => {
    const action = join('bob', { actionId: 1, digest: 'd' })
    expect(rooms.do(action)).toMatchObject({ refused: 'forbidden' })
    rooms.do(join('bob', { room: 'club' }))
    expect(rooms.do(action)).toMatchObject({ events: [{ action: { id: 1, digest: 'd' } }] })
    expect(rooms.do(action)).toMatchObject({ repeat: { seq: 6 } })
  })
})

it('an attestation is asked for by the authority only', () => {
  expect(rooms.do(command('eve', 'member.attest', { room: 'club', user: 'ann' }))).toMatchObject({ refused: 'forbidden' })
})
