import { Rooms, TestRoom } from '@roomlog/testing/given'
import {
  ban,
  command,
  createRoom,
  deleteRoom,
  invite,
  join,
  kick,
  knock,
  leave,
  say,
  setState,
  unban,
} from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import type { Command } from './command.js'
import { followUps } from './follow-ups.js'

/** What follows from the last command. */
function after(...commands: Command[]) {
  const room = new TestRoom('r')
  for (const one of commands.slice(0, -1)) room.do(one)
  const before = room.events.length
  room.do(commands.at(-1)!)
  const caused = room.events.slice(before).flatMap((event) => followUps(event, room.state, 'epoch123'))
  return caused.map(({ command: { type, room, content, sender, rights }, carriesReply }) => {
    expect(carriesReply).toBe(false)
    expect(rights).toEqual({ internal: true })
    return { type, room, sender: sender.id, content: JSON.parse(content) }
  })
}

const named = createRoom('ann', { name: 'N' })
const place = { room: 'r', partition: 0, offset: 6, seq: 7 }

describe('what follows from an event', () => {
  it('a join is told to the user, with the place to scroll back from', () => {
    expect(after(named, join('bob'))).toEqual([
      { type: 'room.joined', room: '@bob', sender: 'bob', content: { ...place, position: 'epoch123.0.6.7.12345678', name: 'N' } },
    ])
  })

  it('creating is joining; the invited are told, too', () => {
    const told = after(createRoom('ann', { invite: ['bob'] }))
    expect(told).toEqual([
      { type: 'room.joined', room: '@ann', sender: 'ann', content: expect.objectContaining({ room: 'r', seq: 2 }) },
      { type: 'room.invited', room: '@bob', sender: 'ann', content: { room: 'r', by: 'ann', seq: 6 } },
    ])
  })

  it("an invitation is told with the room's name and who invites", () => {
    expect(after(named, invite('ann', 'bob'))).toEqual([
      { type: 'room.invited', room: '@bob', sender: 'ann', content: { room: 'r', by: 'ann', name: 'N', seq: 7 } },
    ])
  })

  it('the end of a membership is told with its reason', () => {
    const left = (reason: string) => ({ type: 'room.left', room: '@bob', content: { room: 'r', partition: 0, offset: 7, seq: 8, reason } })
    expect(after(named, join('bob'), leave('bob'))).toMatchObject([left('left')])
    expect(after(named, join('bob'), kick('ann', 'bob'))).toMatchObject([{ ...left('kicked'), sender: 'ann' }])
    expect(after(named, join('bob'), ban('ann', 'bob'))).toMatchObject([left('banned')])
  })

  it('a ban of somebody who never came is not told', () => {
    expect(after(named, ban('ann', 'bob'))).toEqual([])
  })

  it('a deletion releases aliases and writes to no inbox', () => {
    expect(after(named, join('bob'), deleteRoom('ann'))).toEqual([])
  })

  it('nothing else causes anything', () => {
    expect(after(named, say('ann', 'x'))).toEqual([])
    expect(after(named, setState('ann', 'app.x', '', {}))).toEqual([])
    expect(after(named, ban('ann', 'bob'), unban('ann', 'bob'))).toEqual([])
    expect(after(createRoom('ann', { access: 'knock' }), knock('bob'))).toEqual([])
    expect(after(named, join('bob'), command('bob', 'member.profile'))).toEqual([])
  })

  it('ends: inboxes cause nothing but the steps of a profile change', () => {
    const rooms = new Rooms()
    rooms.do(named)
    rooms.do(join('bob'))
    rooms.do(kick('ann', 'bob'))
    expect(rooms.followed.map(({ command }) => `${command.type} ${command.room}`)).toEqual([
      'room.joined @ann',
      'room.joined @bob',
      'room.left @bob',
    ])
    expect(rooms.room('@bob').events).toHaveLength(2)
  })
})
