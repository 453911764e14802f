import { given, idAt } from '@roomlog/testing/given'
import {
  command,
  createRoom,
  deleteMessage,
  editMessage,
  join,
  kick,
  leave,
  say,
  service,
  setPower,
  setState,
} from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'

/** Seven events, of which the last is bob's message. */
const room = (...more: Parameters<typeof given>) => given(createRoom('ann'), join('bob'), say('bob', 'hello'), ...more)
const hello = idAt(7)
const publish = { rights: service('bridge', 'publish') }

describe('a message', () => {
  it('is for members with power for its type', () => {
    room()
      .when(say('ann', 'x'))
      .then({ type: 'msg.text', content: { text: 'x' }, sender: { id: 'ann' } })
    room().when(say('eve', 'x')).thenRefused('not_member')
    room(setPower('ann', { users: { ann: 100 }, eventsDefault: 1 }))
      .when(say('bob', 'x'))
      .thenRefused('forbidden')
  })

  it("is of any type that is not the room's own", () => {
    room().when(command('bob', 'app.order.shipped')).then({ type: 'app.order.shipped' })
    for (const type of [
      'room.created',
      'room.deleted',
      'room.joined',
      'member.promote',
      'alias.claim',
      'alias.release',
      'profile.set',
      'user.erased',
      'time.travel',
    ]) {
      expect(room().when(command('ann', type)).decision, type).toMatchObject({ refused: 'invalid', field: 'type' })
    }
  })

  it('keeps its content to the byte', () => {
    const content = '{ "n":9007199254740993.10, "a":1,"a":2, "\\u0041":"\\ud800" }'
    const { decision } = room().when(say('bob', '', { content }))
    expect((decision as { events: { content: string }[] }).events[0]!.content).toBe(content)
  })

  it('may answer a message of this room, and no other', () => {
    room()
      .when(say('ann', 'x', { ref: hello }))
      .then({ type: 'msg.text', ref: hello })
    room()
      .when(say('ann', 'x', { ref: idAt(99) }))
      .thenRefused('not_found', 'ref')
    const elsewhere = room()
    elsewhere.room.events[6]!.room = 'other'
    elsewhere.when(say('ann', 'x', { ref: hello })).thenRefused('not_found', 'ref')
  })

  it('mentions users', () => {
    room()
      .when(say('ann', 'x', { mentions: ['bob'] }))
      .then({ mentions: ['bob'] })
    room()
      .when(say('ann', 'x', { mentions: Array(101).fill('bob') }))
      .thenRefused('too_large', 'mentions')
    room()
      .when(say('ann', 'x', { mentions: 'bob' as never }))
      .thenRefused('invalid', 'mentions')
    room()
      .when(say('ann', 'x', { mentions: [''] }))
      .thenRefused('invalid', 'mentions')
  })

  it('carries nothing of system events or of state', () => {
    room()
      .when(say('ann', 'x', { channels: ['a'] }))
      .thenRefused('invalid', 'channels')
    room()
      .when(say('ann', 'x', { readers: ['any'] }))
      .thenRefused('invalid', 'readers')
    room()
      .when(say('ann', 'x', { ifSeq: 0 }))
      .thenRefused('invalid', 'ifSeq')
  })
})

describe('a thread', () => {
  it('begins at a message that is in none', () => {
    const threaded = room(say('ann', 'in it', { thread: hello }))
    threaded.when(say('bob', 'too', { thread: hello })).then({ thread: hello })
    threaded.when(say('bob', 'deeper', { thread: idAt(8) })).thenRefused('invalid', 'thread')
  })

  it('begins at no state and no membership', () => {
    room()
      .when(say('bob', 'x', { thread: idAt(6) }))
      .thenRefused('invalid', 'thread')
    room()
      .when(say('bob', 'x', { thread: idAt(3) }))
      .thenRefused('invalid', 'thread')
    room()
      .when(say('bob', 'x', { thread: idAt(99) }))
      .thenRefused('not_found', 'thread')
  })
})

describe('an event out of order', () => {
  it('comes from services with scope publish only', () => {
    room()
      .when(say('bridge', 'earlier', { ...publish, follows: hello }))
      .then({ type: 'msg.text', follows: hello })
    room()
      .when(say('bob', 'earlier', { follows: hello }))
      .thenRefused('forbidden', 'follows')
    room()
      .when(say('bridge', 'earlier', { ...publish, follows: idAt(99) }))
      .thenRefused('not_found', 'follows')
  })
})

describe('an edit', () => {
  it("is its sender's", () => {
    room().when(editMessage('bob', hello)).then({ type: 'msg.edit', ref: hello })
    room().when(editMessage('ann', hello)).thenRefused('forbidden', 'ref')
  })

  it('is of a message, and of no edit', () => {
    room(editMessage('bob', hello))
      .when(editMessage('bob', idAt(8)))
      .thenRefused('invalid', 'ref')
    room()
      .when(editMessage('bob', idAt(6)))
      .thenRefused('invalid', 'ref')
    room(setState('ann', 'app.x', '', {}))
      .when(editMessage('ann', idAt(8)))
      .thenRefused('invalid', 'ref')
    room().when(command('bob', 'msg.edit')).thenRefused('invalid', 'ref')
    room()
      .when(editMessage('bob', idAt(99)))
      .thenRefused('not_found', 'ref')
    room()
      .when(editMessage('bob', hello, { key: '' }))
      .thenRefused('invalid', 'key')
  })

  it('is refused once one is gone', () => {
    room(leave('bob')).when(editMessage('bob', hello)).thenRefused('not_member')
  })

  it("of a message for a user is that user's, whichever service sent it", () => {
    const rights = service('irc', 'impersonate')
    const bridged = room(say('irc', 'x', { onBehalfOf: 'bob', rights }))
    bridged.when(editMessage('bob', idAt(8))).then({ type: 'msg.edit' })
    bridged.when(editMessage('irc', idAt(8), { onBehalfOf: 'ann', rights })).thenRefused('forbidden', 'ref')
  })
})

describe('a deletion', () => {
  it("is its sender's, and names the place that it erases", () => {
    room().when(deleteMessage('bob', hello)).then({ type: 'msg.delete', ref: hello, erases: 7 })
  })

  it("of another's message needs power to redact", () => {
    const moderated = room(join('mod'), join('eve'), setPower('ann', { users: { ann: 100, mod: 50 } }))
    moderated.when(deleteMessage('eve', hello)).thenRefused('forbidden')
    moderated.when(deleteMessage('stranger', hello)).thenRefused('not_member')
    moderated.when(deleteMessage('mod', hello)).then({ type: 'msg.delete', erases: 7 })
  })

  it('is of a message only', () => {
    room()
      .when(deleteMessage('ann', idAt(6)))
      .thenRefused('invalid', 'ref')
    room()
      .when(deleteMessage('ann', idAt(3)))
      .thenRefused('invalid', 'ref')
    room(deleteMessage('bob', hello))
      .when(deleteMessage('bob', idAt(8)))
      .thenRefused('invalid', 'ref')
    room().when(command('bob', 'msg.delete')).thenRefused('invalid', 'ref')
  })

  it('is the end: a deleted message is neither edited nor deleted', () => {
    const erased = room(deleteMessage('bob', hello))
    erased.when(editMessage('bob', hello)).thenRefused('not_found', 'ref')
    erased.when(deleteMessage('bob', hello)).thenRefused('not_found', 'ref')
    erased.when(deleteMessage('ann', hello)).thenRefused('not_found', 'ref')
  })

  it('is remembered however much was said since', () => {
    const said = Array.from({ length: 1_100 }, (_, i) => say('bob', `${i}`))
    const busy = room(...said, deleteMessage('bob', hello), deleteMessage('bob', idAt(900)), deleteMessage('bob', idAt(1_050)))
    busy.when(editMessage('bob', hello)).thenRefused('not_found', 'ref')
    busy.when(editMessage('bob', idAt(900))).thenRefused('not_found', 'ref')
    busy.when(editMessage('bob', idAt(1_050))).thenRefused('not_found', 'ref')
    busy.when(editMessage('bob', idAt(7 + 1_024))).then({ type: 'msg.edit' })
  })

  it('is refused to the kicked', () => {
    room(kick('ann', 'bob')).when(deleteMessage('bob', hello)).thenRefused('not_member')
  })
})
