/** Arbitrary commands for one room, shaped so that many of them are taken. */
import { idAt, TestRoom } from '@roomlog/testing/given'
import { command, createRoom } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import type { Command } from '../command.js'
import type { RoomEvent } from '../event.js'
import { roomTime } from '../room.js'
import { accessModes, historyModes } from '../room-state.js'

export const users = ['ann', 'bob', 'cid', 'dan']
const user = fc.constantFrom('ann', ...users)
const level = fc.constantFrom(-10, 0, 1, 49, 50, 51, 99, 100, 101)
const levels = fc.record(
  {
    users: fc.dictionary(user, level),
    events: fc.dictionary(fc.constantFrom('msg.text', 'app.x', 'room.power', 'room.name'), level),
    usersDefault: level,
    eventsDefault: level,
    stateDefault: level,
    invite: level,
    kick: level,
    ban: level,
    redact: level,
  },
  { requiredKeys: [] },
)
const content = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom(
    { value: 'public' },
    { value: 'limited' },
    { value: 'joined' },
    { value: 'world' },
    { value: 'knock' },
    { value: 'N' },
    { value: true },
  ),
  fc.constantFrom({ until: 50 }, { reason: 'r' }, { name: 'B', avatar: 'a' }, { room: 'r' }, { seq: 3, event: 'e' }),
)
const extras = {
  user,
  key: fc.constantFrom('', 'k', '@ann'),
  ref: fc.integer({ min: 1, max: 30 }).map(idAt),
  thread: fc.integer({ min: 1, max: 30 }).map(idAt),
  actionId: fc.integer({ min: 0, max: 80 }),
  prevActionId: fc.integer({ min: 0, max: 80 }),
  idempotencyKey: fc.constantFrom('k1', 'k2'),
  origin: fc.constantFrom('o1', 'o2', 'o3'),
  ifSeq: fc.integer({ min: 0, max: 9 }),
  at: fc.integer({ min: 0, max: 100 }),
}
type Extra = keyof typeof extras
/** Commands of one shape: their types, and what they always say beside sender and content. */
const shape = (types: string, always: Extra[] = []) =>
  fc
    .tuple(
      user,
      fc.constantFrom(...types.split(' ')),
      content,
      fc.record(extras),
      fc.subarray(Object.keys(extras) as Extra[], { maxLength: 1 }),
    )
    .map(([sender, type, said, all, some]) =>
      command(sender, type, { content: said, ...Object.fromEntries([...always, ...some].map((name) => [name, all[name]])) }),
    )
const plain = fc.oneof(
  shape('member.join member.leave member.knock member.profile'),
  shape('member.invite member.kick member.ban member.unban', ['user']),
  shape('msg.text app.order', ['actionId']),
  shape('msg.text msg.edit msg.delete', ['ref']),
  shape('app.x room.name room.listed room.topic', ['key']),
  fc.tuple(user, fc.constantFrom(...accessModes)).map(([by, value]) => command(by, 'room.access', { content: { value } })),
  fc.tuple(user, fc.constantFrom(...historyModes)).map(([by, value]) => command(by, 'room.history', { content: { value } })),
)
const reaction = fc
  .tuple(user, fc.constantFrom('msg.reaction', 'msg.unreact'), extras.ref)
  .map(([by, type, ref]) => command(by, type, { ref, content: { key: '👍' } }))
const powerChange = fc.tuple(user, levels).map(([by, content]) => command(by, 'room.power', { content }))
const gift = fc
  .tuple(user, level)
  .map(([to, given]) =>
    command('ann', 'room.power', { content: { users: { ann: 100, [to]: given, bob: 50 }, events: { 'room.power': 50 } } }),
  )
export const commands = fc.array(fc.oneof({ weight: 12, arbitrary: plain }, reaction, powerChange, { weight: 2, arbitrary: gift }), {
  minLength: 10,
  maxLength: 60,
  size: 'max',
})
export const everybodyIn = [createRoom('ann'), command('bob', 'member.join'), command('cid', 'member.join')]

/** Runs commands; tells of each event with the state before it. */
export function run(wishes: Command[], each?: (event: RoomEvent, room: TestRoom, wish: Command) => void): TestRoom {
  const room = new TestRoom('r')
  for (const one of [...everybodyIn, ...wishes]) {
    const decision = room.decide(one)
    if (!('events' in decision)) continue
    const seq = room.events.length + 1
    const at = roomTime(room.state, one)
    for (const [index, draft] of decision.events.entries())
      each?.({ ...draft, id: idAt(seq + index), room: 'r', seq: seq + index, at }, room, one)
    room.append(decision.events, at)
  }
  return room
}
