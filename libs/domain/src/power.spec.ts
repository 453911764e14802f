import { given } from '@roomlog/testing/given'
import { createRoom, join, say, setPower, setState } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

/** ann 100, mod 50, bob 0 */
const room = (levels: object = {}) =>
  given(createRoom('ann'), join('mod'), join('bob'), setPower('ann', { users: { ann: 100, mod: 50 }, ...levels }))
const may = { events: { 'room.power': 50 } }

describe('power', () => {
  it('is 100 for the creator and 0 for those who come', () => {
    given(createRoom('ann'), join('bob'))
      .when(setState('bob', 'app.x', '', {}))
      .thenRefused('forbidden')
    given(createRoom('ann'), join('bob'))
      .when(setState('ann', 'app.x', '', {}))
      .then({ type: 'app.x' })
  })

  it('of a type stands before the default for state and for messages', () => {
    room({ events: { 'msg.text': 50, 'app.x': 0 } })
      .when(say('bob', 'x'))
      .thenRefused('forbidden')
    room({ events: { 'msg.text': 50, 'app.x': 0 } })
      .when(say('mod', 'x'))
      .then({ type: 'msg.text' })
    room({ events: { 'msg.text': 50, 'app.x': 0 } })
      .when(setState('bob', 'app.x', '', {}))
      .then({ type: 'app.x' })
  })

  it('for messages and for state has a default each', () => {
    room({ eventsDefault: 50 }).when(say('bob', 'x')).thenRefused('forbidden')
    room({ stateDefault: 0 })
      .when(setState('bob', 'app.x', '', {}))
      .then({ type: 'app.x' })
    room()
      .when(setState('mod', 'app.x', '', {}))
      .then({ type: 'app.x' })
  })

  it('of 100 is needed for what decides about everybody', () => {
    for (const type of ['room.access', 'room.history', 'room.listed', 'room.power', 'room.mode']) {
      room()
        .when(setState('mod', type, '', {}))
        .thenRefused('forbidden')
    }
  })

  it('is integers', () => {
    for (const wrong of [
      { kick: 1.5 },
      { kick: '50' },
      { users: { bob: null } },
      { users: [] },
      { events: 3 },
      { kick: 2 ** 53 },
      { kik: 5 },
      { constructor: 5 },
    ]) {
      room()
        .when(setPower('ann', { users: { ann: 100 }, ...wrong }))
        .thenRefused('invalid', 'content')
    }
    room()
      .when(setPower('ann', '[]' as never))
      .thenRefused('invalid', 'content')
    room()
      .when(setPower('ann', 'null' as never))
      .thenRefused('invalid', 'content')
  })

  it('keeps users apart whose IDs are names of JavaScript', () => {
    const odd = given(createRoom('ann'), join('constructor'), join('__proto__'))
    odd.when(setState('constructor', 'app.x', '', {})).thenRefused('forbidden')
    odd.when(setState('__proto__', 'app.x', '', {})).thenRefused('forbidden')
  })
})

describe('a change of power', () => {
  const users = { ann: 100, mod: 50 }

  it("names no number above one's own, neither old nor new", () => {
    const mod = room(may)
    mod.when(setPower('mod', { ...may, users: { ...users, bob: 51 } })).thenRefused('forbidden')
    mod.when(setPower('mod', { ...may, users: { ...users, bob: 50 } })).then({ type: 'room.power' })
    const guarded = room({ ...may, kick: 60 })
    guarded.when(setPower('mod', { ...may, users, kick: 50 })).thenRefused('forbidden')
    guarded.when(setPower('mod', { ...may, users, kick: 60, ban: 51 })).thenRefused('forbidden')
    guarded.when(setPower('mod', { ...may, users, kick: 60, ban: 40 })).then({ type: 'room.power' })
  })

  it('does not raise oneself', () => {
    room(may)
      .when(setPower('mod', { ...may, users: { ann: 100, mod: 51 } }))
      .thenRefused('forbidden')
    room(may)
      .when(setPower('mod', { ...may, users, usersDefault: 51 }))
      .thenRefused('forbidden')
  })

  it('may lower oneself', () => {
    room(may)
      .when(setPower('mod', { ...may, users: { ann: 100, mod: 10 } }))
      .then({ type: 'room.power' })
    room(may)
      .when(setPower('mod', { ...may, users: { ann: 100 } }))
      .then({ type: 'room.power' })
  })

  it('touches nobody who has as much', () => {
    const two = room({ ...may, users: { ann: 100, mod: 50, pal: 50 } })
    two.when(setPower('mod', { ...may, users: { ann: 100, mod: 50, pal: 0 } })).thenRefused('forbidden')
    two.when(setPower('mod', { ...may, users: { ann: 100, mod: 50 } })).thenRefused('forbidden')
    two.when(setPower('mod', { ...may, users: { mod: 50, pal: 50 } })).thenRefused('forbidden')
    const all = room({ ...may, usersDefault: 50 })
    all.when(setPower('mod', { ...may, users, usersDefault: 0 })).thenRefused('forbidden')
  })

  it("does not free a type whose default is above one's own", () => {
    room(may)
      .when(setPower('mod', { events: { 'room.power': 50, 'room.history': 50 }, users }))
      .thenRefused('forbidden')
    room(may)
      .when(setPower('mod', { events: { 'room.power': 50, 'msg.text': 10 }, users }))
      .then({ type: 'room.power' })
    room({ ...may, stateDefault: 70 })
      .when(setPower('mod', { ...may, stateDefault: 70, events: { ...may.events, 'app.x': 0 }, users }))
      .thenRefused('forbidden')
  })

  it('says what it replaced', () => {
    expect((room().when(setPower('ann', { users })).decision as { events: { prev: string }[] }).events[0]!.prev).toBe(
      '{"users":{"ann":100,"mod":50}}',
    )
  })
})
