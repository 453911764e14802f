import { EntryMap, TestRoom } from '@roomlog/testing/given'
import { command } from '@roomlog/testing/room-commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { followUps } from './follow-ups.js'
import { neededPower, powerLevels, powerOf } from './power.js'
import { commands, everybodyIn, run, users } from './testing/wishes.js'

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
    for (const type of [...types, 'msg.text', 'msg.edit', 'msg.delete', 'msg.reaction', 'app.x', 'room.power', 'room.access']) {
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
