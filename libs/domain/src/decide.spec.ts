import { idAt, TestRoom } from '@roomlog/testing/given'
import { createRoom, join } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Command, Rights } from './command.js'
import { followUps } from './follow-ups.js'
import { needs } from './needs.js'

const users = ['ann', 'bob']
const types = (
  'member.join member.invite member.leave member.kick member.ban member.unban member.knock member.profile member.attest ' +
  'msg.text msg.edit msg.delete app.x room.create room.name room.access room.history room.power room.alias room.mode room.mute ' +
  'profile.set profile.continue room.marker room.joined room.left alias.claim alias.release time.passed'
).split(' ')
const odd = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'r',
    'room.create',
    '',
    ':',
    '%',
    '@ann',
    '#a',
    'system.x',
    ...users,
    idAt(2),
    idAt(9),
  ),
  fc.string(),
)
const contents = fc.constantFrom(
  {},
  { value: 'public' },
  { value: 7 },
  { until: 50 },
  { users: { ann: 100, bob: 7 } },
  { rooms: [1] },
  { seq: 3 },
  null,
  [],
  7,
)
const mostly = <T>(usual: T[], strange: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...usual) }, strange)
const rights: fc.Arbitrary<Rights> = fc.record(
  {
    read: fc.boolean(),
    write: fc.boolean(),
    admin: fc.boolean(),
    service: odd,
    scopes: fc.subarray(['publish', 'impersonate', 'read', 'admin'] as ('publish' | 'impersonate' | 'read' | 'admin')[]),
  },
  { requiredKeys: [] },
)
const plain = fc.record({
  sender: fc.record({ id: mostly(users, odd) }),
  type: mostly(types, odd),
  room: mostly(['r', 'r2', '@ann', '#a', 'system.x'], odd),
  device: fc.constant('d'),
  rights,
  content: fc.oneof(
    fc.json(),
    contents.map((value) => JSON.stringify(value)),
  ),
  at: fc.nat(),
  digest: fc.string(),
  origin: fc.string(),
})
const special = {
  device: odd,
  content: odd,
  user: odd,
  key: odd,
  ref: odd,
  follows: odd,
  thread: odd,
  onBehalfOf: odd,
  actionId: fc.nat(5),
  prevActionId: fc.nat(5),
  idempotencyKey: odd,
  ifSeq: fc.nat(5),
  mentions: fc.array(odd),
  channels: fc.array(odd),
  readers: fc.constantFrom(['any'], ['users', 'team:t'], ['x']),
}
/** A command in which at most four things are said that could be left out. */
const anything = fc
  .tuple(plain, fc.record(special), fc.subarray(Object.keys(special) as (keyof typeof special)[], { maxLength: 4 }))
  .map(([base, more, names]): Command => ({ ...base, ...Object.fromEntries(names.map((name) => [name, more[name]])) }))

it('never throws, whatever stands in a command, nor does folding what was decided', () => {
  const rooms = new Map<string, TestRoom>()
  let taken = 0
  fc.assert(
    fc.property(anything, (wish) => {
      const room = rooms.get(wish.room) ?? new TestRoom(wish.room)
      if (wish.room === 'r' && room.events.length === 0) for (const one of [createRoom('ann'), join('bob')]) room.do(one)
      rooms.set(wish.room, room)
      needs(wish)
      const before = room.events.length
      room.do(wish)
      for (const event of room.events.slice(before)) followUps(event, room.state)
      taken += room.events.length - before
    }),
    { numRuns: 10_000 },
  )
  expect(taken).toBeGreaterThan(200)
})
