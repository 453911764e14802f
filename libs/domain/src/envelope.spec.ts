import { given, TestRoom } from '@roomlog/testing/given'
import { command, createRoom, say, setState } from '@roomlog/testing/room-commands'
import { describe, expect, it } from 'vitest'
import { checkName, exceeds } from './envelope.js'
import { defaultLimits } from './limits.js'

const room = () => given(createRoom('ann'))
const bad = ['', 'a\u0000b', 'a\nb', 'a\u007f', 'a\u0085', '\ud800', 'e\u0301']

describe('a name', () => {
  it('is Unicode NFC without control characters and half characters', () => {
    for (const name of bad)
      expect(checkName(name, 'x', defaultLimits), JSON.stringify(name)).toMatchObject({ refused: 'invalid', field: 'x' })
    for (const name of ['a', 'é', '日本', '😀', 'a b', 'constructor']) expect(checkName(name, 'x', defaultLimits)).toBeUndefined()
    expect(checkName(7, 'x', defaultLimits)).toMatchObject({ refused: 'invalid' })
  })

  it('has at most 255 bytes', () => {
    expect(checkName('é'.repeat(127), 'x', defaultLimits)).toBeUndefined()
    expect(checkName('é'.repeat(128), 'x', defaultLimits)).toMatchObject({ refused: 'too_large' })
    expect(checkName('a'.repeat(256), 'x', defaultLimits)).toMatchObject({ refused: 'too_large' })
  })

  it('is demanded of every ID in a command', () => {
    for (const name of bad) {
      for (const field of ['type', 'user', 'ref', 'follows', 'thread', 'onBehalfOf', 'idempotencyKey'] as const) {
        expect(room().when(say('ann', 'x', { [field]: name } as never)).decision).toMatchObject({ refused: 'invalid', field })
      }
      expect(room().when({ ...say('ann', 'x'), sender: { id: name } }).decision).toMatchObject({ refused: 'invalid', field: 'sender' })
      if (name !== '')
        room()
          .when(setState('ann', 'app.x', name, {}))
          .thenRefused('invalid', 'key')
    }
  })
})

describe('a content', () => {
  it('has at most 64 KiB', () => {
    room()
      .when(say('ann', '', { content: `"${'a'.repeat(65_534)}"` }))
      .then({ type: 'msg.text' })
    room()
      .when(say('ann', '', { content: `"${'a'.repeat(65_535)}"` }))
      .thenRefused('too_large', 'content')
    room()
      .when(say('ann', '', { content: `"${'é'.repeat(32_768)}"` }))
      .thenRefused('too_large', 'content')
    room()
      .when(command('ann', 'msg.text', { content: '' }))
      .thenRefused('invalid', 'content')
  })

  it('has the bound that is configured', () => {
    expect(new TestRoom('r', { ...defaultLimits, contentBytesMax: 1 }).decide(createRoom('ann'))).toMatchObject({ refused: 'too_large' })
  })
})

it('bytes are counted as UTF-8 has them', () => {
  for (const text of ['', 'abc', 'é', '日本', '😀', 'a😀é日', 'é'.repeat(9)]) {
    const bytes = Buffer.byteLength(text)
    expect(exceeds(text, bytes)).toBe(false)
    if (bytes > 0) expect(exceeds(text, bytes - 1)).toBe(true)
  }
})
