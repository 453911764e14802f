import { Given, TestRoom } from '@roomlog/testing/given'
import { command, createRoom, join, type Special, service } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

const inbox = () => new Given(new TestRoom('@bob'))
const to = (sender: string, type: string, more: Special = {}) => command(sender, type, { room: '@bob', ...more })
const internal = { rights: { internal: true } }
const bot = { rights: service('bot', 'publish') }
const mark = (seq: number, more: Special = {}) => to('bob', 'room.marker', { key: 'r', content: { seq, event: `e${seq}` }, ...more })

describe('an inbox', () => {
  it('is there with its first event', () => {
    const { room } = inbox().when(to('bob', 'app.note')).then({ type: 'app.note' })
    expect(room.state.get('room')).toMatchObject({ seq: 1 })
  })

  it('takes events from its user, from services with scope publish, and from the authority', () => {
    inbox()
      .when(to('bob', 'app.note', { key: 'k' }))
      .then({ type: 'app.note', key: 'k' })
    inbox()
      .when(to('bot', 'app.note', bot))
      .then({ type: 'app.note', sender: { id: 'bot' } })
    inbox()
      .when(to('irc', 'app.note', { onBehalfOf: 'bob', rights: service('irc', 'impersonate') }))
      .then({ type: 'app.note' })
    inbox().when(to('ann', 'app.note')).thenRefused('forbidden')
    inbox()
      .when(to('ann', 'app.note', { rights: { write: true } }))
      .thenRefused('forbidden')
    inbox()
      .when(to('ann', 'app.note', { onBehalfOf: 'cid', rights: service('ann', 'impersonate', 'publish') }))
      .thenRefused('forbidden')
  })

  it('hears of memberships from the authority only', () => {
    for (const type of ['room.joined', 'room.left', 'room.invited', 'room.followed']) {
      inbox()
        .when(to('ann', type, { ...internal, content: { room: 'r', seq: 1 } }))
        .then({ type, sender: { id: 'ann' } })
      inbox()
        .when(to('bob', type, { content: { room: 'r', seq: 1 } }))
        .thenRefused('forbidden')
      inbox()
        .when(to('bot', type, { ...bot, content: { room: 'r', seq: 1 } }))
        .thenRefused('forbidden')
    }
  })

  it('hears of files from services only', () => {
    inbox()
      .when(to('bot', 'file.saved', bot))
      .then({ type: 'file.saved' })
    inbox().when(to('bob', 'file.saved')).thenRefused('forbidden')
  })

  it('has no members, no creation and no state of a room', () => {
    for (const one of [
      createRoom('bob', {}, { room: '@bob' }),
      join('bob', { room: '@bob' }),
      to('bob', 'room.name', { content: { value: 'x' } }),
      to('bob', 'room.delete'),
    ]) {
      inbox().when(one).thenRefused('invalid', 'type')
    }
  })

  it('has no threads, answers and channels', () => {
    inbox()
      .when(to('bob', 'app.note', { ref: 'x' }))
      .thenRefused('invalid', 'ref')
    inbox()
      .when(to('bob', 'app.note', { channels: ['x'] }))
      .thenRefused('invalid', 'channels')
  })

  it('keeps state, which names what it replaced', () => {
    const set = inbox()
    set.when(to('bob', 'app.x', { key: '', content: { n: 1 } })).then({ key: '' })
    set.when(to('bob', 'app.x', { key: '', content: { n: 2 } })).then({ prev: { n: 1 } })
  })
})

describe('a read marker', () => {
  it('moves forward only: an older one is answered with the newer', () => {
    const read = inbox()
    read.when(mark(5)).then({ type: 'room.marker', key: 'r', content: { seq: 5 } })
    read.when(mark(5)).thenRepeats(1)
    read.when(mark(4)).thenRepeats(1)
    read.when(mark(6)).then({ type: 'room.marker', prev: { seq: 5 } })
  })

  it('is kept for each room', () => {
    const read = inbox()
    read.when(mark(5)).then({ key: 'r' })
    read.when(mark(1, { key: 'r2' })).then({ key: 'r2' })
  })

  it("is the user's own, with a room and an integer", () => {
    inbox()
      .when({ ...mark(5), sender: { id: 'eve' } })
      .thenRefused('forbidden')
    inbox()
      .when(mark(5, { key: undefined }))
      .thenRefused('invalid', 'key')
    inbox()
      .when(mark('5' as never))
      .thenRefused('invalid', 'content')
    inbox()
      .when(mark(5, { content: '[]' }))
      .thenRefused('invalid', 'content')
  })
})

describe("the list of the user's rooms", () => {
  const told = (type: string, seq: number) => to('bob', type, { ...internal, content: { room: 'r', seq } })

  it('follows the notices, of which an older one changes nothing', () => {
    const { room } = inbox()
    room.do(told('room.joined', 7))
    expect(room.state.get('joined:r')).toEqual({ seq: 7 })
    room.do(told('room.left', 9))
    room.do(told('room.joined', 8))
    expect(room.state.get('joined:r')).toEqual({ seq: 9, left: true })
  })
})
