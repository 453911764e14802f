import { describe, expect, it } from 'vitest'
import { type CommandValue, decodeCommand, encodeCommand } from './command.js'

const create: CommandValue = {
  type: 'room.create',
  room: 'AAAAAAAAAAAAAAAAAAAAAA',
  sender: { id: 'ann' },
  device: 'phone',
  rights: { write: true },
  actionId: 3,
  digest: 'd2',
  content: '{"access":"public",  "big":12345678901234567890}',
}

describe('a command record', () => {
  it('comes back as it was, with the record time and the origin header', () => {
    const claim: CommandValue = { ...create, type: 'alias.claim', room: '#home', content: '{}', digest: 'd1', then: create }
    const command = decodeCommand({ value: Buffer.from(encodeCommand(claim)), headers: { v: '1', origin: 'door-7' }, time: 123 })
    expect(command).toEqual({ ...claim, at: 123, origin: 'door-7', then: { ...create, at: 123, origin: 'door-7' } })
    expect(command.then?.content).toBe(create.content)
  })

  it('has an empty digest where a follow-up has none', () => {
    expect(decodeCommand({ value: encodeCommand({ ...create, digest: undefined }), headers: {}, time: 1 })).toMatchObject({
      digest: '',
      origin: '',
    })
  })

  it('is not any other JSON', () => {
    for (const value of ['{}', '[]', '{"type":"a","room":"b"}', null]) {
      expect(() => decodeCommand({ value, headers: {}, time: 1 })).toThrow('not a command')
    }
  })
})
