import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEnvelope, parseEnvelopes, parseStrict } from './json.js'

const raw = { raw: ['content'] }
const bytes = (text: string) => Buffer.from(text, 'utf8')

describe('an envelope', () => {
  it('keeps raw members as they were sent, to the byte', () => {
    const contents = [
      '{ "b" : 12345678901234567890.10e+5, "a":[1 ,2,  {"x":"\\u00e9é\\/"}],"b":1}',
      '"\\ud83d\\ude00 😀"',
      '-0.0',
      '[]',
      '{}',
      'null',
      '\ttrue\n',
    ]
    for (const content of contents) {
      const parsed = parseEnvelope(bytes(`  {"type":"t", "content": ${content} ,"key":""}\n`), raw)
      expect(parsed).toEqual({ ok: { type: 't', content: content.trim(), key: '' } })
    }
  })

  it('gives values for everything else', () => {
    expect(parseEnvelope('{"a":1.5e1,"b":[true,false,null,"\\n"],"c":{"d":-0},"content":7}')).toEqual({
      ok: { a: 15, b: [true, false, null, '\n'], c: { d: -0 }, content: 7 },
    })
  })

  it('leaves NUL, duplicate keys and __proto__ inside the content alone', () => {
    const content = '{"__proto__":1,"a":1,"a":"\\u0000","constructor":[]}'
    expect(parseEnvelope(`{"content":${content}}`, raw)).toEqual({ ok: { content } })
  })

  const refused: [why: string, source: string | Uint8Array, reason: RegExp][] = [
    ['nothing', '', /object is expected/],
    ['an array', '[]', /object is expected/],
    ['a string', '"x"', /object is expected/],
    ['a byte-order mark', '\ufeff{}', /byte-order mark/],
    ['a byte-order mark as bytes', bytes('\ufeff{}'), /byte-order mark/],
    ['text after the end', '{} {}', /after the end/],
    ['NUL after the end', '{}\0', /after the end/],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc0, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    ['a surrogate in UTF-8', Buffer.concat([bytes('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), bytes('"}')]), /UTF-8/],
    ['a lone surrogate as it is', '{"content":"\ud800"}', /surrogate/],
    ['a lone high surrogate escaped', '{"content":"\\ud800"}', /surrogate/],
    ['a lone low surrogate escaped', '{"content":{"a":["\\udc00"]}}', /surrogate/],
    ['two high surrogates escaped', '{"type":"\\ud800\\ud800"}', /surrogate/],
    ['a lone surrogate in a key of the content', '{"content":{"\\udfff":1}}', /surrogate/],
    ['a duplicate key', '{"type":"a","type":"b"}', /twice/],
    ['a duplicate key in disguise', '{"type":"a","\\u0074ype":"b"}', /twice/],
    ['a duplicate raw key', '{"content":1,"content":2}', /twice/],
    ['__proto__', '{"__proto__":{"admin":true}}', /__proto__/],
    ['__proto__ in disguise', '{"\\u005f_proto__":1}', /__proto__/],
    ['constructor in what is nested', '{"user":{"constructor":1}}', /constructor/],
    ['NUL in a value', '{"type":"a\\u0000b"}', /NUL/],
    ['NUL in a key', '{"a\\u0000b":1}', /NUL/],
    ['a raw control character', '{"content":"a\nb"}', /control character/],
    ['a trailing comma', '{"a":1,}', /not valid/],
    ['a trailing comma in the content', '{"content":[1,]}', /not valid/],
    ['a single quote', "{'a':1}", /not valid/],
    ['a comment', '{"a":1/*x*/}', /not valid/],
    ['a leading zero', '{"content":01}', /not valid/],
    ['a plus sign', '{"content":+1}', /not valid/],
    ['a bare point', '{"content":1.}', /not valid/],
    ['NaN', '{"content":NaN}', /not valid/],
    ['a bad escape', '{"content":"\\x41"}', /not valid/],
    ['a bad unicode escape', '{"content":"\\u12g4"}', /not valid/],
    ['an unfinished object', '{"a":1', /not valid/],
    ['an unfinished content', '{"content":{"a":[1', /not valid/],
    ['mixed brackets', '{"content":[1}}', /not valid/],
    ['an infinite number', '{"seq":1e999}', /out of range/],
  ]
  it.each(refused)('refuses %s', (_why, source, reason) => {
    const parsed = parseEnvelope(source, raw)
    expect(parsed).toHaveProperty('invalid')
    expect((parsed as { invalid: string }).invalid).toMatch(reason)
    if (typeof source === 'string' && source.isWellFormed()) expect(parseEnvelope(bytes(source), raw)).toEqual(parsed)
  })

  it('bounds depth, in the content without using the call stack', () => {
    const nested = (depth: number) => `{"content":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(parseEnvelope(nested(63), raw)).toHaveProperty('ok')
    expect(parseEnvelope(nested(64), raw)).toEqual({ invalid: 'nested deeper than 64', field: 'content' })
    expect(parseEnvelope(nested(1_000_000), raw)).toHaveProperty('invalid')
    expect(parseEnvelope(nested(1_000_000))).toHaveProperty('invalid')
  })

  it('bounds the keys of the envelope, not those of the content', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":1`).join()
    expect(parseEnvelope(`{"content":{${keys(500)}},${keys(128)}}`, raw)).toHaveProperty('ok')
    expect(parseEnvelope(`{${keys(129)}}`, raw)).toEqual({ invalid: 'more than 128 keys' })
    expect(parseEnvelope(`{"a":{${keys(128)}}}`, raw)).toHaveProperty('invalid')
  })

  it('names the member that is at fault', () => {
    expect(parseEnvelope('{"type":"x","content":{"a":tru}}', raw)).toEqual({ invalid: 'not valid JSON', field: 'content' })
    expect(parseEnvelope('{"type":"\\u0000"}', raw)).toEqual({ invalid: 'NUL is not allowed', field: 'type' })
  })

  it('does not take inherited names for duplicates', () => {
    expect(parseEnvelope('{"toString":1,"hasOwnProperty":2}')).toEqual({ ok: { toString: 1, hasOwnProperty: 2 } })
  })
})

describe('an array of envelopes', () => {
  it('gives every item its own raw content', () => {
    expect(parseEnvelopes('[{"content":{"n":1.0}}, {"content":"x"} ]', raw)).toEqual({
      ok: [{ content: '{"n":1.0}' }, { content: '"x"' }],
      array: true,
    })
    expect(parseEnvelopes('{"content":1}', raw)).toEqual({ ok: [{ content: '1' }], array: false })
    expect(parseEnvelopes(' [ ] ', raw)).toEqual({ ok: [], array: true })
  })

  it('bounds the items and names the one at fault', () => {
    expect(parseEnvelopes(`[${Array(101).fill('{}').join()}]`, raw)).toEqual({ invalid: 'more than 100 items', tooLarge: true })
    expect(parseEnvelopes('[{},{"type":"a","type":"b"}]', raw)).toEqual({ invalid: 'a key is given twice', field: '[1].type' })
    expect(parseEnvelopes('[{},3]', raw)).toHaveProperty('invalid')
    expect(parseEnvelopes('[{},]', raw)).toHaveProperty('invalid')
  })
})

describe('the scanner and JSON.parse', () => {
  it('agree on every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space)
        expect(parseEnvelope(`{"content":${text}}`, raw)).toEqual({ ok: { content: text } })
        if (!/__proto__|constructor|prototype|\\u0000/.test(text))
          expect(parseStrict(text, { keysMax: 10_000 })).toEqual({ ok: JSON.parse(text) })
      }),
    )
  })

  it('agree on what is not JSON', () => {
    const alphabet = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'a',
      '0',
      '1',
      '-',
      '.',
      'e',
      'true',
      'null',
      ' ',
      '\n',
      'u0041',
    )
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 14 }), (parts) => {
        const text = parts.join('')
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        const parsed = parseEnvelope(`{"content":${text}}`, raw)
        // A text such as `0,"a":0` is no JSON, and makes two members of one.
        const isOne = 'ok' in parsed && Object.keys(parsed.ok).length === 1
        expect(isOne).toBe(valid)
      }),
      { numRuns: 20_000 },
    )
  })
})
