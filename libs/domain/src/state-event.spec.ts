import { given, idAt } from '@roomlog/testing/given'
import { command, createRoom, join, service, setState } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const room = (...more: Parameters<typeof given>) => given(createRoom('ann'), join('bob'), ...more)

describe('state', () => {
  it('is kept by type and key, and names what it replaced', () => {
    const set = room(setState('ann', 'app.x', 'k', { n: 1 }))
    set.when(setState('ann', 'app.x', 'k', { n: 2 })).then({ type: 'app.x', key: 'k', content: { n: 2 }, prev: { n: 1 } })
    const first = set.when(setState('ann', 'app.x', 'other', { n: 3 }))
    expect((first.decision as { events: object[] }).events[0]).not.toHaveProperty('prev')
    expect(set.room.state.get('state:app.x:k')).toEqual({ content: '{"n":2}', seq: 8, event: idAt(8) })
  })

  it('keeps types and keys apart that hold colons', () => {
    const set = room(setState('ann', 'a:b', 'c', { n: 1 }), setState('ann', 'a', 'b:c', { n: 2 }), setState('ann', 'a%3Ab', 'c', { n: 3 }))
    set.when(setState('ann', 'a:b', 'c', {})).then({ prev: { n: 1 } })
  })

  it('needs power for state', () => {
    room()
      .when(setState('bob', 'app.x', '', {}))
      .thenRefused('forbidden')
    room()
      .when(setState('eve', 'app.x', '', {}))
      .thenRefused('not_member')
  })

  it('that is gone stays gone, as null, and has no prev for what comes after', () => {
    const gone = room(setState('ann', 'app.x', '', {}), setState('ann', 'app.x', '', null))
    expect(gone.room.state.get('state:app.x:')).toMatchObject({ content: 'null' })
    expect((gone.when(setState('ann', 'app.x', '', {})).decision as { events: object[] }).events[0]).not.toHaveProperty('prev')
  })

  it("under a key that begins with @ is that user's alone", () => {
    room()
      .when(setState('ann', 'app.x', '@ann', {}))
      .then({ key: '@ann' })
    room()
      .when(setState('ann', 'app.x', '@bob', {}))
      .thenRefused('forbidden', 'key')
    room()
      .when(setState('irc', 'app.x', '@ann', {}, { onBehalfOf: 'ann', rights: service('irc', 'impersonate') }))
      .then({ key: '@ann' })
  })

  it("may be set by services with scope publish, if it is the app's", () => {
    const rights = service('bot', 'publish')
    room()
      .when(setState('bot', 'pool', 'a', {}, { rights }))
      .then({ type: 'pool', key: 'a' })
    room()
      .when(setState('bot', 'room.name', '', { value: 'x' }, { rights }))
      .thenRefused('not_member')
  })
})

describe('ifSeq', () => {
  it('names what is replaced', () => {
    const set = room(setState('ann', 'app.x', '', { n: 1 }))
    set.when(setState('ann', 'app.x', '', {}, { ifSeq: 6 })).thenRefused('conflict', 'ifSeq')
    set.when(setState('ann', 'app.x', '', {}, { ifSeq: 0 })).thenRefused('conflict', 'ifSeq')
    set.when(setState('ann', 'app.x', '', {}, { ifSeq: 7 })).then({ type: 'app.x' })
    set.when(setState('ann', 'app.x', '', {}, { ifSeq: 7 })).thenRefused('conflict', 'ifSeq')
  })

  it('0 means that nothing is there, or no longer', () => {
    room()
      .when(setState('ann', 'app.x', '', {}, { ifSeq: 0 }))
      .then({ type: 'app.x' })
    room()
      .when(setState('ann', 'app.x', '', {}, { ifSeq: 1 }))
      .thenRefused('conflict', 'ifSeq')
    room(setState('ann', 'app.x', '', {}), setState('ann', 'app.x', '', null))
      .when(setState('ann', 'app.x', '', {}, { ifSeq: 0 }))
      .then({ type: 'app.x' })
  })

  it("also guards the room's own state", () => {
    room()
      .when(command('ann', 'room.name', { content: { value: 'x' }, ifSeq: 3 }))
      .thenRefused('conflict', 'ifSeq')
  })
})

describe("the room's own state", () => {
  it('has its key without being told', () => {
    room()
      .when(command('ann', 'room.name', { content: { value: 'N' } }))
      .then({ type: 'room.name', key: '', content: { value: 'N' } })
  })

  it('has the form of its type', () => {
    const wrong: [type: string, content: unknown, key?: string][] = [
      ['room.name', { value: 1 }],
      ['room.topic', {}],
      ['room.avatar', { value: null }],
      ['room.name', { value: 'x' }, 'k'],
      ['room.access', { value: 'x' }],
      ['room.access', { value: 'restricted' }],
      ['room.access', { value: 'restricted', rooms: 'a' }],
      ['room.access', { value: 'limited', rooms: ['a'] }],
      ['room.history', { value: 'none' }],
      ['room.listed', { value: 1 }],
      ['room.mode', { slowModeMs: -1 }],
      ['room.mode', { frozen: 1 }],
      ['room.mode', { receipts: 'no' }],
      ['room.mute', { until: 'x' }, 'bob'],
      ['room.mute', {}],
      ['room.access', null],
      ['room.history', null],
      ['room.power', null],
      ['room.name', '[]'],
      ['room.alias', {}, '#x'],
    ]
    for (const [type, content, key] of wrong) {
      const one = command('ann', type, { content: content === null ? 'null' : content, key })
      expect(room().when(one).decision, `${type} ${JSON.stringify(content)}`).toMatchObject({ refused: 'invalid' })
    }
    room()
      .when(command('ann', 'room.access', { content: { value: 'restricted', rooms: Array(11).fill('a') } }))
      .thenRefused('too_large')
  })

  it('may be set, and some of it be gone', () => {
    room()
      .when(command('ann', 'room.mode', { content: { slowModeMs: 5, frozen: true, receipts: false } }))
      .then({ type: 'room.mode' })
    room()
      .when(setState('ann', 'room.mute', 'bob', { until: 5 }))
      .then({ type: 'room.mute', key: 'bob' })
    room()
      .when(setState('ann', 'room.topic', '', null))
      .then({ type: 'room.topic', content: null })
    room()
      .when(command('ann', 'room.access', { content: { value: 'restricted', rooms: ['a'] } }))
      .then({ prev: { value: 'public' } })
  })
})
