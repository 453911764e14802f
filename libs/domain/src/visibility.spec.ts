import { TestRoom } from '@roomlog/testing/given'
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
  setAccess,
  setHistory,
  unban,
} from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Command } from './command.js'
import type { RoomEvent } from './event.js'
import { historyModes } from './room-state.js'
import { AccessTimeline, isAccessEvent, type Reader } from './visibility.js'

function room(...commands: Command[]): RoomEvent[] {
  const one = new TestRoom('r')
  for (const each of commands) one.do(each)
  return one.events
}

function timeline(events: RoomEvent[], reader: Reader = { user: 'bob' }): AccessTimeline {
  const line = AccessTimeline.empty('r', reader)
  for (const event of events) line.extend(event)
  return line
}

/** The `seq`s that the reader may see. Creation is 1–5. */
function seen(events: RoomEvent[], reader?: Reader): number[] {
  const line = timeline(events, reader)
  return events.map((event) => event.seq).filter((seq) => line.maySee(seq))
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const create = (history: string, access = 'public') => createRoom('ann', { history, access })
/** 6 said, 7 invited, 8 said, 9 joined, 10 said, then gone at 11, and 12 said. */
const story = (history: string, gone: Command) =>
  room(create(history), say('ann', '6'), invite('ann', 'bob'), say('ann', '8'), join('bob'), say('ann', '10'), gone, say('ann', '12'))

describe('history mode', () => {
  for (const [how, gone] of [
    ['leave', leave('bob')],
    ['kick', kick('ann', 'bob')],
    ['ban', ban('ann', 'bob')],
  ] as const) {
    it(`world: anybody sees everything, also after a ${how}`, () => {
      expect(seen(story('world', gone))).toEqual(range(1, 12))
    })

    it(`shared: a member sees everything up to the own ${how}, and nothing after it`, () => {
      expect(seen(story('shared', gone))).toEqual(range(1, 11))
    })

    it(`invited: a member sees everything from the invitation on, up to the own ${how}`, () => {
      expect(seen(story('invited', gone))).toEqual(range(7, 11))
    })

    it(`joined: a member sees everything from the join on, up to the own ${how}`, () => {
      expect(seen(story('joined', gone))).toEqual(range(9, 11))
    })
  }

  it('shared, invited, joined: who never came sees nothing', () => {
    for (const mode of ['shared', 'invited', 'joined']) expect(seen(story(mode, leave('bob')), { user: 'eve' })).toEqual([])
  })

  it('invited: who declines has seen what came between', () => {
    expect(seen(room(create('invited'), invite('ann', 'bob'), say('ann', 'x'), leave('bob'), say('ann', 'y')))).toEqual([6, 7, 8])
  })

  it('shared: who comes back sees what was missed; joined: does not', () => {
    const back = (mode: string) => room(create(mode), join('bob'), leave('bob'), say('ann', '8'), join('bob'), say('ann', '10'))
    expect(seen(back('shared'))).toEqual(range(1, 10))
    expect(seen(back('joined'))).toEqual([6, 7, 9, 10])
  })

  it('is judged as it was when the event was appended', () => {
    const events = room(
      create('joined'),
      say('ann', '6'),
      setHistory('ann', 'shared'),
      say('ann', '8'),
      setHistory('ann', 'joined'),
      say('ann', '10'),
      join('bob'),
    )
    expect(seen(events)).toEqual([7, 8, 9, 11])
    const opened = room(create('joined'), setHistory('ann', 'world'), say('ann', '7'), setHistory('ann', 'joined'), say('ann', '9'))
    expect(seen(opened)).toEqual([6, 7, 8])
  })

  it('of the creation holds from the first event on, however the timeline was begun', () => {
    const stated = new AccessTimeline(
      { room: 'r', seq: 6, history: [[5, 'joined']], membership: [[6, 'joined']], access: 'public', deleted: false },
      { user: 'bob' },
    )
    expect(range(1, 7).filter((seq) => stated.maySee(seq))).toEqual([6, 7])
  })
})

describe('reading now', () => {
  it("is for members, for the invited where history says so, and for anybody in the world's rooms", () => {
    const now = (mode: string, ...commands: Command[]) => timeline(room(create(mode, 'limited'), ...commands)).mayReadNow()
    for (const mode of historyModes) expect(now(mode, invite('ann', 'bob'), join('bob'))).toBe(true)
    for (const mode of historyModes) expect(now(mode, invite('ann', 'bob'), join('bob'), leave('bob'))).toBe(mode === 'world')
    for (const mode of historyModes) expect(now(mode, invite('ann', 'bob'))).toBe(mode === 'world' || mode === 'invited')
    for (const mode of historyModes) expect(now(mode)).toBe(mode === 'world')
  })

  it("without a user is for the world's public rooms", () => {
    const anonymous = (mode: string, access: string) => timeline(room(create(mode, access)), {})
    expect(anonymous('world', 'public').mayReadNow()).toBe(true)
    expect(anonymous('world', 'public').maySee(1)).toBe(true)
    expect(anonymous('world', 'limited').mayReadNow()).toBe(false)
    expect(anonymous('shared', 'public').mayReadNow()).toBe(false)
    expect(timeline(room(create('world', 'public'), setAccess('ann', 'limited')), {}).mayReadAny()).toBe(false)
  })
})

describe('a room of which one may see nothing', () => {
  it('looks as if it did not exist', () => {
    expect(timeline(room(create('shared'), join('bob'), leave('bob'))).mayReadAny()).toBe(true)
    expect(timeline(room(create('shared'))).mayReadAny()).toBe(false)
    expect(timeline(room(create('joined'), invite('ann', 'bob'), leave('bob'))).mayReadAny()).toBe(false)
    expect(timeline(room(create('invited'), invite('ann', 'bob'), leave('bob'))).mayReadAny()).toBe(true)
    expect(timeline(room(create('joined'), setHistory('ann', 'world'), setHistory('ann', 'joined'))).mayReadAny()).toBe(true)
  })
})

describe('a deleted room', () => {
  const events = room(create('shared'), join('bob'), say('ann', 'x'), deleteRoom('ann'))

  it('has nothing left to see but its end, for those who were there', () => {
    expect(seen(events)).toEqual([8])
    expect(seen(events, { user: 'eve' })).toEqual([])
    expect(timeline(events).mayReadNow()).toBe(false)
    expect(timeline(events).mayReadAny()).toBe(false)
    expect(seen(events, { user: 'ops', rights: { read: true } })).toEqual([8])
  })
})

describe('a grant', () => {
  const events = story('joined', kick('ann', 'bob'))

  it('to read makes the room as if its history were world', () => {
    expect(seen(events, { user: 'eve', rights: { read: true } })).toEqual(range(1, 12))
    expect(seen(events, { user: 'eve', rights: { admin: true } })).toEqual(range(1, 12))
    expect(seen(events, { user: 'eve', rights: { scopes: ['read'] } })).toEqual(range(1, 12))
    expect(seen(events, { user: 'eve', rights: { scopes: ['publish'], logs: true } })).toEqual([])
  })

  it('does not stand against a ban', () => {
    const rights = { read: true }
    expect(seen(story('joined', ban('ann', 'bob')), { user: 'bob', rights })).toEqual([9, 10, 11])
    expect(timeline(story('joined', ban('ann', 'bob')), { user: 'bob', rights }).mayReadNow()).toBe(false)
    expect(timeline(room(create('joined'), ban('ann', 'bob'), unban('ann', 'bob')), { user: 'bob', rights }).mayReadNow()).toBe(true)
  })

  it('for logs opens rooms of logs, and no others', () => {
    const logs = (rights: Reader['rights']) => AccessTimeline.empty('guild_logs', { user: 'eve', rights }).mayReadNow()
    expect(logs({ logs: true })).toBe(true)
    expect(logs({ read: true })).toBe(true)
    expect(logs({})).toBe(false)
    expect(logs({ admin: true })).toBe(true)
    expect(AccessTimeline.empty('guild', { user: 'eve', rights: { logs: true } }).mayReadNow()).toBe(false)
  })

  it('may come with another token', () => {
    const line = timeline(events, { user: 'eve' })
    line.reader = { user: 'eve', rights: { read: true } }
    expect(line.mayReadNow()).toBe(true)
  })
})

describe('a timeline', () => {
  it('takes each event once, and says whether it changed anything', () => {
    const events = story('joined', leave('bob'))
    const line = AccessTimeline.empty('r', { user: 'bob' })
    expect(events.filter((event) => line.extend(event)).map((event) => event.type)).toEqual([
      'room.created',
      'room.access',
      'room.history',
      'member.invite',
      'member.join',
      'member.leave',
    ])
    expect(events.some((event) => line.extend(event))).toBe(false)
  })

  it('goes on from its snapshot, and needs only the events that change access', () => {
    const events = story('invited', kick('ann', 'bob'))
    const half = timeline(events.slice(0, 8))
    const line = new AccessTimeline(JSON.parse(JSON.stringify(half.snapshot())), { user: 'bob' })
    for (const event of events.filter((each) => isAccessEvent(each.type))) line.extend(event)
    expect(range(1, 12).filter((seq) => line.maySee(seq))).toEqual(seen(events))
    expect(half.maySee(12)).toBe(true)
  })

  it('agrees with a naive reading of the log, whatever happens', () => {
    const step = fc.oneof(
      fc.constantFrom(...historyModes).map((mode) => setHistory('ann', mode)),
      fc.constantFrom(join('bob'), leave('bob'), join('cid'), leave('cid'), say('ann', 'x'), say('bob', 'x')),
      fc.constantFrom(invite('ann', 'bob'), kick('ann', 'bob'), ban('ann', 'bob'), unban('ann', 'bob'), command('bob', 'member.profile')),
    )
    fc.assert(
      fc.property(fc.constantFrom(...historyModes), fc.array(step, { maxLength: 40 }), (mode, steps) => {
        const events = room(create(mode), ...steps)
        for (const user of ['ann', 'bob', 'cid', 'eve']) {
          expect(seen(events, { user }), user).toEqual(naive(events, user))
        }
      }),
    )
  })
})

/** The rules read word for word: before and after each event, by walking the whole log again for each. */
function naive(events: RoomEvent[], user: string): number[] {
  const after = (seq: number) => {
    const past = events.filter((event) => event.seq <= seq)
    const mode = past.findLast((event) => event.type === 'room.history')
    const own = past.findLast((event) => event.user === user && event.type !== 'member.profile')
    const { value } = JSON.parse((mode ?? events.find((event) => event.type === 'room.history')!).content) as { value: string }
    return { mode: value, is: own?.type }
  }
  const isMember = (seq: number) => after(seq).is === 'member.join'
  const stays = events.map((event) => event.seq).filter((seq) => isMember(seq) || isMember(seq - 1))
  const open = (seq: number, { mode, is }: { mode: string; is?: string }) => {
    if (mode === 'world') return true
    if (mode === 'shared') return stays.some((last) => seq <= last)
    return is === 'member.join' || (mode === 'invited' && is === 'member.invite')
  }
  return events.map((event) => event.seq).filter((seq) => open(seq, after(seq - 1)) || open(seq, after(seq)))
}
