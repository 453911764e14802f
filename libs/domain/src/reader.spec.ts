import { describe, expect, it } from 'vitest'
import { AccessTimeline, isReader, type Reader } from './visibility.js'

describe('other kinds of rooms', () => {
  it("an inbox is its user's alone", () => {
    const inbox = (reader: Reader) => AccessTimeline.empty('@bob', reader).mayReadNow()
    expect(inbox({ user: 'bob' })).toBe(true)
    expect(AccessTimeline.empty('@bob', { user: 'bob' }).maySee(1)).toBe(true)
    for (const reader of [{}, { user: 'eve' }, { user: 'eve', rights: { read: true, admin: true, scopes: ['read'] } }])
      expect(inbox(reader)).toBe(false)
    expect(inbox({ user: 'ops', rights: { scopes: ['admin'] } })).toBe(true)
  })

  it('aliases and system areas are closed, but to services that read any room', () => {
    for (const id of ['#x', 'system.files']) {
      expect(AccessTimeline.empty(id, { user: 'bob', rights: { read: true } }).mayReadAny()).toBe(false)
      expect(AccessTimeline.empty(id, { user: 'bot', rights: { scopes: ['read'] } }).mayReadNow()).toBe(true)
    }
  })

  it('a system event is for those whom it names', () => {
    const bob = { user: 'bob', teams: ['t', 'u/owner'] }
    for (const readers of [['any'], ['users'], ['user:bob'], ['team:t'], ['team:u'], ['team:u/owner'], ['user:x', 'users']])
      expect(isReader(readers, bob)).toBe(true)
    for (const readers of [[], ['user:bo'], ['team:t/owner'], ['team:u/admin'], ['team:uu'], ['bob']])
      expect(isReader(readers, bob)).toBe(false)
    expect(isReader(['any'], {})).toBe(true)
    expect(isReader(['users', 'user:undefined'], {})).toBe(false)
  })
})
