import { Given, TestRoom } from '@roomlog/testing/given'
import { command, createRoom, join, type Special, service } from '@roomlog/testing/room-commands'
import { describe, it } from 'vitest'

const area = () => new Given(new TestRoom('system.files'))
const publish = service('storage', 'publish')
const event = (more: Special = {}) =>
  command('storage', 'files.created', {
    room: 'system.files',
    channels: ['files', 'files.1'],
    readers: ['user:bob'],
    rights: publish,
    ...more,
  })

describe('a system area', () => {
  it('is there with its first event, and keeps labels and readers', () => {
    area()
      .when(event())
      .then({ type: 'files.created', channels: ['files', 'files.1'], readers: ['user:bob'], sender: { id: 'storage' } })
  })

  it('takes events of services with scope publish only', () => {
    area()
      .when(event({ rights: {} }))
      .thenRefused('forbidden')
    area()
      .when(event({ rights: { admin: true, write: true } }))
      .thenRefused('forbidden')
    area()
      .when(event({ rights: service('storage', 'read', 'admin') }))
      .thenRefused('forbidden')
  })

  it('knows every form of reader, and no other', () => {
    area()
      .when(event({ readers: ['any', 'users', 'user:a/b', 'team:t', 'team:t/owner'] }))
      .then({ type: 'files.created' })
    for (const wrong of ['all', 'user:', 'team:', 'team:t/', 'team:t/a/b', 'role:x'])
      area()
        .when(event({ readers: [wrong] }))
        .thenRefused('invalid', 'readers')
  })

  it('has labels and readers on every event', () => {
    area()
      .when(event({ channels: undefined }))
      .thenRefused('invalid', 'channels')
    area()
      .when(event({ channels: [] }))
      .thenRefused('invalid', 'channels')
    area()
      .when(event({ readers: [] }))
      .thenRefused('invalid', 'readers')
    area()
      .when(event({ readers: undefined }))
      .thenRefused('invalid', 'readers')
    area()
      .when(event({ channels: Array(101).fill('x') }))
      .thenRefused('too_large', 'channels')
    area()
      .when(event({ readers: Array(101).fill('any') }))
      .thenRefused('too_large', 'readers')
  })

  it('takes no type that means something to a room', () => {
    for (const type of ['room.created', 'room.deleted', 'member.join', 'member.profile', 'alias.claim', 'profile.changed']) {
      area()
        .when({ ...event(), type })
        .thenRefused('invalid', 'type')
    }
    area()
      .when({ ...event(), type: 'user.created' })
      .then({ type: 'user.created' })
  })

  it('has no state and no members', () => {
    area()
      .when(event({ key: 'k' }))
      .thenRefused('invalid', 'key')
    area()
      .when(join('bob', { room: 'system.files' }))
      .thenRefused('forbidden')
    area()
      .when(createRoom('bob', {}, { room: 'system.files' }))
      .thenRefused('forbidden')
  })
})
