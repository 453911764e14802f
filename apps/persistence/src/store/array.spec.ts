import { describe, expect, it } from 'vitest'
import { arrayLiteral } from './array.js'

describe('an array literal', () => {
  it('tells null, numbers, booleans and text apart', () => {
    expect(arrayLiteral([1, null, undefined, true, 'NULL', ''])).toBe('{1,NULL,NULL,true,"NULL",""}')
  })

  it('escapes quotes and backslashes, and nothing else', () => {
    expect(arrayLiteral(['a"b', 'c\\d', 'e,f}{', 'ü😀', 'line\nbreak\ttab "q"\\'])).toBe(
      '{"a\\"b","c\\\\d","e,f}{","ü😀","line\nbreak\ttab \\"q\\"\\\\"}',
    )
  })
})
