import { EntryMap, idAt, TestRoom } from '@roomlog/testing/given'
import { command, createRoom } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Command } from './command.js'
import type { RoomEvent } from './event.js'
import { evolveEntry, touches } from './evolve.js'
import { followUps } from './follow-ups.js'
import { neededPower, powerLevels, powerOf } from './power.js'
import { roomTime } from './room.js'
import { accessModes, historyModes } from './room-state.js'

const users = ['ann', 'bob', 'cid', 'dan']
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
const powerChange = fc.tuple(user, levels).map(([by, content]) => command(by, 'room.power', { content }))
const gift = fc
  .tuple(user, level)
  .map(([to, given]) =>
    command('ann', 'room.power', { content: { users: { ann: 100, [to]: given, bob: 50 }, events: { 'room.power': 50 } } }),
  )
const commands = fc.array(fc.oneof({ weight: 12, arbitrary: plain }, powerChange, { weight: 2, arbitrary: gift }), {
  minLength: 10,
  maxLength: 60,
  size: 'max',
})
const everybodyIn = [createRoom('ann'), command('bob', 'member.join'), command('cid', 'member.join')]

/** Runs commands; tells of each event with the state before it. */
function run(wishes: Command[], each?: (event: RoomEvent, room: TestRoom, wish: Command) => void): TestRoom {
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

const membershipIn = (room: TestRoom, of: string) => (room.state.get(`member:${of}`) as { membership: string } | undefined)?.membership

describe('whatever is wished', () => {
  it('much of it happens, so that what follows is no empty promise', () => {
    const happened = new Map<string, number>()
    fc.assert(
      fc.property(commands, (wishes) => {
        run(wishes, ({ type, seq }) => seq > 7 && happened.set(type, (happened.get(type) ?? 0) + 1))
      }),
      { seed: 1, numRuns: 300 },
    )
    const types = 'join leave knock profile invite kick ban unban'.split(' ').map((name) => `member.${name}`)
    for (const type of [...types, 'msg.text', 'msg.edit', 'msg.delete', 'app.x', 'room.power', 'room.access']) {
      expect(happened.get(type), type).toBeGreaterThan(0)
    }
  })

  it("power is never raised above one's own, and nobody as powerful is touched", () => {
    let changes = 0
    fc.assert(
      fc.property(commands, (wishes) => {
        run(wishes, (event, room) => {
          if (event.type !== 'room.power' || event.seq <= 5) return
          changes++
          const before = powerLevels(room.state)
          const after = new EntryMap()
          after.fold(event)
          const now = powerLevels(after)
          const own = powerOf(before, event.sender.id)
          for (const one of [...users, 'somebody else']) {
            const [was, is] = [powerOf(before, one), powerOf(now, one)]
            if (one === event.sender.id) expect(is).toBeLessThanOrEqual(own)
            else if (was !== is) expect(Math.max(was + 1, is)).toBeLessThanOrEqual(own)
          }
          for (const type of ['msg.text', 'app.x', 'room.power', 'room.name', 'room.access']) {
            const needed = [before, now].map((one) => neededPower(one, type, true))
            if (needed[0] !== needed[1]) expect(Math.max(...needed)).toBeLessThanOrEqual(own)
          }
        })
      }),
      { numRuns: 300 },
    )
    expect(changes).toBeGreaterThan(100)
  })

  it('nothing happens in the name of somebody who is not in the room, but coming and knocking', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        run(wishes, (event, room) => {
          if (event.seq <= 5 || ['member.join', 'member.knock'].includes(event.type)) return
          const is = membershipIn(room, event.sender.id)
          if (event.type === 'member.leave') expect(['joined', 'invited', 'knocking']).toContain(is)
          else expect(is).toBe('joined')
        })
      }),
      { numRuns: 300 },
    )
  })

  it('nobody comes in who is banned, and nobody uninvited into a room that is not public', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        run(wishes, (event, room) => {
          if (event.type !== 'member.join' || event.seq <= 5) return
          const { membership, until } = (room.state.get(`member:${event.user}`) ?? {}) as { membership?: string; until?: number }
          expect(membership === 'banned' && (until === undefined || until > event.at)).toBe(false)
          const { content: access } = room.state.get('state:room.access:') as { content: string }
          if (membership !== 'invited') expect(JSON.parse(access).value).toBe('public')
        })
      }),
      { numRuns: 300 },
    )
  })

  it('the numbers of a room have no gap, and its time never goes back', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        const { events } = run(wishes)
        expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
        expect(events.every((event, index) => event.at >= (events[index - 1]?.at ?? 0))).toBe(true)
      }),
    )
  })

  it('no two events have one action, and the same action again is its first result', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        const room = run(wishes)
        const actions = room.events.filter((event) => event.action).map((event) => `${event.sender.id} ${event.device} ${event.action!.id}`)
        expect(new Set(actions).size).toBe(actions.length)
        for (const event of room.events) {
          if (!event.action) continue
          const again = command(event.sender.id, event.type, { actionId: event.action.id, digest: event.action.digest })
          expect(room.decide(again)).toEqual({ repeat: { event: event.id, seq: event.seq } })
        }
      }),
    )
  })
})

describe('replaying the events', () => {
  it('gives the same state, entry by entry, also through JSON', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        const room = run(wishes)
        const replayed = new EntryMap()
        for (const event of JSON.parse(JSON.stringify(room.events)) as RoomEvent[]) {
          for (const key of touches(event)) {
            const entry = replayed.get(key)
            replayed.entries.set(key, JSON.parse(JSON.stringify(evolveEntry(key, entry, event))))
          }
        }
        expect(Object.fromEntries(replayed.entries)).toEqual(Object.fromEntries(room.state.entries))
      }),
    )
  })

  it('gives the same state where every entry begins at a checkpoint of its own', () => {
    fc.assert(
      fc.property(commands, fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (wishes, cuts) => {
        const { events, state } = run(wishes)
        const at = (seq: number) => {
          const past = new EntryMap()
          for (const event of events.slice(0, seq)) past.fold(event)
          return past
        }
        const restored = new EntryMap()
        const through = new Map<string, number>()
        ;[...state.entries.keys()].forEach((key, index) => {
          const seq = cuts[index % cuts.length]! % (events.length + 1)
          const entry = at(seq).get(key)
          if (entry !== undefined) restored.entries.set(key, JSON.parse(JSON.stringify(entry)))
          through.set(key, seq)
        })
        for (const event of events) {
          for (const key of touches(event)) {
            if (event.seq > through.get(key)!) restored.entries.set(key, evolveEntry(key, restored.get(key), event))
          }
        }
        expect(Object.fromEntries(restored.entries)).toEqual(Object.fromEntries(state.entries))
      }),
    )
  })

  it('changes no entry in place', () => {
    const frozen = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value
      for (const part of Object.values(value)) frozen(part)
      return Object.freeze(value)
    }
    fc.assert(
      fc.property(commands, (wishes) => {
        const state = new EntryMap()
        for (const event of run(wishes).events)
          for (const key of touches(event)) state.entries.set(key, frozen(evolveEntry(key, state.get(key), event)))
      }),
    )
  })
})

describe('deciding', () => {
  it('the same commands gives the same events, refusals and follow-ups, also on a state that went through JSON', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        const [one, two] = [new TestRoom('r'), new TestRoom('r')]
        for (const wish of [...everybodyIn, ...wishes]) {
          expect(two.do(JSON.parse(JSON.stringify(wish)))).toEqual(one.do(wish))
          for (const [key, entry] of two.state.entries) two.state.entries.set(key, JSON.parse(JSON.stringify(entry)))
        }
        const caused = (room: TestRoom) => room.events.map((event) => followUps(event, room.state))
        expect(caused(two)).toEqual(caused(one))
      }),
    )
  })
})
