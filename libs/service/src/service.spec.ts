import { encodeEvent } from '@roomlog/protocol'
import { describe, expect, it } from 'vitest'
import { eventOf } from './follower.js'
import { recordOf } from './publication.js'
import { requestsTopic } from './requests.js'

describe('a publication', () => {
  it('is a record of ingest.events in the service’s name, raw content as it stands', () => {
    expect(recordOf({ room: 'r', type: 't', content: { a: 1 }, idempotencyKey: 'k' }, 'billing')).toEqual({
      key: 'r',
      value: '{"room":"r","type":"t","idempotencyKey":"k","content":{"a":1}}',
      headers: { 'roomlog-service': 'billing' },
    })
    expect(recordOf({ room: 'r', type: 't', raw: '{ "n":1.0 }' }, 's').value).toBe('{"room":"r","type":"t","content":{ "n":1.0 }}')
    expect(recordOf({ type: 'files.new', channels: ['files'], readers: ['any'] }, 's')).toMatchObject({
      key: 'system.files',
      value: '{"type":"files.new","channels":["files"],"readers":["any"],"content":{}}',
    })
  })
})

describe('a record of room.events', () => {
  const event = { id: '0-5-abcdefgh', room: 'r', seq: 3, type: 'msg.text', sender: { id: 'ann' }, at: 1, content: '{"n":1.0}' }
  const message = (offset: string, headers: Record<string, string>) => ({
    key: Buffer.from('r'),
    value: Buffer.from(encodeEvent(event)),
    offset,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
  })
  const headers = { offset: '5', seq: '3', type: 'msg.text', device: 'd' }

  it('is an event where it stands at its own offset', () => {
    expect(eventOf(message('5', headers))).toEqual({ ...event, device: 'd' })
  })

  it('is nothing where it lost a race, or is a mark of the log', () => {
    expect(eventOf(message('6', headers))).toBeUndefined()
    expect(eventOf(message('5', { offset: '5' }))).toBeUndefined()
    expect(eventOf({ ...message('5', headers), value: null })).toBeUndefined()
  })

  it('is left out by room and by type', () => {
    const seen = (rooms?: string[], types?: string[]) => eventOf(message('5', headers), { rooms, types }) !== undefined
    expect([seen(['r']), seen(['r*']), seen(['x']), seen(undefined, ['msg.*']), seen(['r'], ['app.*'])]).toEqual([
      true,
      true,
      false,
      true,
      false,
    ])
  })
})

it('calls of a service have a topic of their own', () => {
  expect([requestsTopic('bot'), requestsTopic('bot', 'x.')]).toEqual(['service.bot.requests', 'x.service.bot.requests'])
})
