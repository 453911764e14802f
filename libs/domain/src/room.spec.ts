import { EntryMap, idAt, TestRoom } from '@roomlog/testing/given'
import { command, createRoom } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Command, Rights } from './command.js'
import type { RoomEvent } from './event.js'
import { evolveEntry, touches } from './evolve.js'
import { followUps } from './follow-ups.js'
import { needs } from './needs.js'
import { neededPower, powerLevels, powerOf } from './power.js'
import { roomTime } from './room.js'

const users = ['ann', 'bob', 'cid', 'dan']
const user = fc.constantFrom(...users)
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
const types = [
  'member.join',
  'member.invite',
  'member.leave',
  'member.kick',
  'member.ban',
  'member.unban',
  'member.knock',
  'member.profile',
  'msg.text',
  'msg.edit',
  'msg.delete',
  'app.x',
  'room.name',
  'room.access',
  'room.history',
  'room.listed',
  'room.topic',
]
const wish = fc.record(
  {
    sender: user,
    type: fc.constantFrom(...types),
    content,
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
  },
  { requiredKeys: ['sender', 'type', 'content'] },
)
const plain = wish.map(({ sender, type, ...more }) => command(sender, type, more))
const powerChange = fc.tuple(user, levels).map(([by, content]) => command(by, 'room.power', { content }))
const gift = fc
  .tuple(user, level)
  .map(([to, given]) =>
    command('ann', 'room.power', { content: { users: { ann: 100, [to]: given, bob: 50 }, events: { 'room.power': 50 } } }),
  )
const commands = fc.array(fc.oneof({ weight: 4, arbitrary: plain }, powerChange, gift), { maxLength: 60 })
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

  it('never throws, whatever stands in a command', () => {
    const odd = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'r', 'room.create', '', ':', '%', '@ann', '#a', 'system.x', ...users),
      fc.string(),
    )
    const rights: fc.Arbitrary<Rights> = fc.record(
      {
        read: fc.boolean(),
        write: fc.boolean(),
        admin: fc.boolean(),
        service: odd,
        scopes: fc.subarray(['publish', 'impersonate', 'read', 'admin'] as const),
      },
      { requiredKeys: [] },
    ) as never
    const junk = fc.record(
      {
        sender: fc.record({ id: odd }),
        type: fc.oneof(
          odd,
          fc.constantFrom(
            ...types,
            'room.create',
            'room.delete',
            'room.power',
            'room.alias',
            'room.mode',
            'room.mute',
            'profile.set',
            'room.marker',
            'member.attest',
            'alias.claim',
            'time.passed',
          ),
        ),
        room: odd,
        device: odd,
        rights,
        content: fc.oneof(
          fc.json(),
          odd,
          content.map((value) => JSON.stringify(value)),
          levels.map((value) => JSON.stringify(value)),
        ),
        at: fc.nat(),
        digest: fc.string(),
        origin: fc.string(),
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
        readers: fc.array(odd),
      },
      { requiredKeys: ['sender', 'type', 'room', 'device', 'rights', 'content', 'at', 'digest', 'origin'] },
    ) as fc.Arbitrary<Command>
    const rooms = new Map<string, TestRoom>()
    fc.assert(
      fc.property(junk, (wish) => {
        const room = rooms.get(wish.room) ?? new TestRoom(wish.room)
        rooms.set(wish.room, room)
        needs(wish)
        const before = room.events.length
        room.do(wish)
        for (const event of room.events.slice(before)) followUps(event, room.state)
      }),
      { numRuns: 5_000 },
    )
  })
})
