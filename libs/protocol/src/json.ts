/**
 * The strict reader of envelopes: commands, frames, HTTP bodies, records.
 *
 * Problem: an envelope (`type`, `actionId`, `key` …) must be understood, but the `content` inside it is the client's, to the
 * byte: numbers beyond 2^53, key order, spaces, escapes. `JSON.parse` loses those, takes the last of two equal keys and lets
 * lone surrogates and `__proto__` through. So one pass over the text does both: members named in `raw` are checked for grammar,
 * depth and surrogates and cut out as they stand; everything else becomes values.
 *
 * Invariant: every raw member is itself one valid JSON text, without space around it, whose UTF-8 bytes are those that came in.
 */
import { isUtf8 } from 'node:buffer'
import type { RawJson } from '@roomlog/domain'

/** An envelope's members; those named `raw` are `RawJson` text. */
export type Envelope = Record<string, unknown>

export interface EnvelopeOptions {
  /** Members of the outermost object(s) that are cut out as they stand, never parsed. */
  raw?: readonly string[]
  /** Levels of nesting, the envelope's own included. */
  depthMax?: number
  /** Keys of one envelope and of what is nested in it, raw members not counted. */
  keysMax?: number
  /** Envelopes in an array. */
  itemsMax?: number
}

export interface InvalidJson {
  /** Why, in words that may be shown to the sender; never quotes the content. */
  invalid: string
  /** The member of the envelope that is at fault, where it is known. */
  field?: string
  /** A bound on the number of items: `too_large` rather than `invalid`. */
  tooLarge?: true
}

export const depthMaxDefault = 64
export const keysMaxDefault = 128
export const itemsMaxDefault = 100

/** Reads one JSON object, and refuses everything that is not exactly one. */
export function parseEnvelope(source: string | Uint8Array, options: EnvelopeOptions = {}): { ok: Envelope } | InvalidJson {
  const text = textOf(source)
  if (typeof text !== 'string') return text
  const scanner = new Scanner(text, options)
  try {
    const ok = scanner.envelope()
    scanner.end()
    return { ok }
  } catch (error) {
    return invalidOf(error)
  }
}

/** Reads one JSON object or an array of at most `itemsMax` of them. */
export function parseEnvelopes(
  source: string | Uint8Array,
  options: EnvelopeOptions = {},
): { ok: Envelope[]; array: boolean } | InvalidJson {
  const text = textOf(source)
  if (typeof text !== 'string') return text
  const scanner = new Scanner(text, options)
  try {
    const array = scanner.startsArray()
    const ok = array ? scanner.envelopes(options.itemsMax ?? itemsMaxDefault) : [scanner.envelope()]
    scanner.end()
    return { ok, array }
  } catch (error) {
    return invalidOf(error)
  }
}

/** Reads any one JSON value without raw members (a header, a token's claim), as strictly as an envelope. */
export function parseStrict(source: string | Uint8Array, options: EnvelopeOptions = {}): { ok: unknown } | InvalidJson {
  const text = textOf(source)
  if (typeof text !== 'string') return text
  const scanner = new Scanner(text, options)
  try {
    const ok = scanner.whole()
    scanner.end()
    return { ok }
  } catch (error) {
    return invalidOf(error)
  }
}

/** The text, if it is valid UTF-8 without byte-order mark and without lone surrogates. */
function textOf(source: string | Uint8Array): string | InvalidJson {
  if (typeof source === 'string') {
    if (!source.isWellFormed()) return { invalid: 'a lone surrogate is not text' }
    return source.charCodeAt(0) === 0xfeff ? { invalid: 'a byte-order mark is not allowed' } : source
  }
  if (!isUtf8(source)) return { invalid: 'not valid UTF-8' }
  if (source[0] === 0xef && source[1] === 0xbb && source[2] === 0xbf) return { invalid: 'a byte-order mark is not allowed' }
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('utf8')
}

/** Thrown inside the scanner only: not an `Error`, because a stack per bad frame would be a gift to an attacker. */
class Fault {
  constructor(
    readonly reason: string,
    readonly field?: string,
    readonly tooLarge?: true,
  ) {}
}

function invalidOf(error: unknown): InvalidJson {
  if (!(error instanceof Fault)) throw error
  const invalid: InvalidJson = { invalid: error.reason }
  if (error.field !== undefined) invalid.field = error.field
  if (error.tooLarge) invalid.tooLarge = true
  return invalid
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const noRaw: readonly string[] = []
/** Open containers of a skipped value: 1 = object, 0 = array. Shared, because scanning never yields. */
const stack = new Uint8Array(4096)

class Scanner {
  private at = 0
  private keys = 0
  private readonly raw: readonly string[]
  private readonly depthMax: number
  private readonly keysMax: number
  /** Set by `string`: whether the last one had escapes, and so must be decoded. */
  private escaped = false

  constructor(
    private readonly text: string,
    options: EnvelopeOptions,
  ) {
    this.raw = options.raw ?? noRaw
    this.depthMax = Math.min(options.depthMax ?? depthMaxDefault, stack.length)
    this.keysMax = options.keysMax ?? keysMaxDefault
  }

  startsArray(): boolean {
    return this.peek() === openBracket
  }

  end(): void {
    if (this.at < this.text.length && this.peek() !== -1) throw new Fault('text after the end of the JSON value')
  }

  whole(): unknown {
    return this.value(1)
  }

  envelopes(itemsMax: number): Envelope[] {
    const items: Envelope[] = []
    this.at++
    if (this.peek() === closeBracket) {
      this.at++
      return items
    }
    for (;;) {
      if (items.length === itemsMax) throw new Fault(`more than ${itemsMax} items`, undefined, true)
      try {
        items.push(this.envelope())
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        throw new Fault(error.reason, error.field === undefined ? `[${items.length}]` : `[${items.length}].${error.field}`)
      }
      const next = this.peek()
      this.at++
      if (next === closeBracket) return items
      if (next !== comma) throw new Fault('not valid JSON')
    }
  }

  envelope(): Envelope {
    if (this.peek() !== openBrace) throw new Fault('a JSON object is expected')
    this.keys = 0
    return this.object(1, this.raw)
  }

  /** `at` is on the brace. */
  private object(depth: number, raw: readonly string[]): Envelope {
    if (depth > this.depthMax) throw new Fault(`nested deeper than ${this.depthMax}`)
    const members: Envelope = {}
    this.at++
    if (this.peek() === closeBrace) {
      this.at++
      return members
    }
    for (;;) {
      const key = this.key(members)
      if (raw.length > 0 && raw.includes(key)) {
        members[key] = this.rawValue(key, depth)
      } else {
        if (++this.keys > this.keysMax) throw new Fault(`more than ${this.keysMax} keys`)
        members[key] = this.member(key, depth)
      }
      const next = this.peek()
      this.at++
      if (next === closeBrace) return members
      if (next !== comma) throw new Fault('not valid JSON')
    }
  }

  /** A key and its colon; a key that is there already, or that could reach a prototype, is refused. */
  private key(members: Envelope): string {
    if (this.peek() !== quote) throw new Fault('not valid JSON')
    const key = this.stringValue()
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') throw new Fault(`the key ${key} is not allowed`)
    if (Object.hasOwn(members, key)) throw new Fault('a key is given twice', key.length <= 64 ? key : undefined)
    if (this.peek() !== colon) throw new Fault('not valid JSON')
    this.at++
    return key
  }

  private member(key: string, depth: number): unknown {
    try {
      return this.value(depth + 1)
    } catch (error) {
      if (error instanceof Fault && error.field === undefined && depth === 1 && key.length <= 64) throw new Fault(error.reason, key)
      throw error
    }
  }

  private rawValue(key: string, depth: number): RawJson {
    this.peek()
    const start = this.at
    try {
      this.skip(depth)
    } catch (error) {
      if (error instanceof Fault) throw new Fault(error.reason, key)
      throw error
    }
    return this.text.slice(start, this.at)
  }

  private value(depth: number): unknown {
    const code = this.peek()
    if (code === quote) return this.stringValue()
    if (code === openBrace) return this.object(depth, noRaw)
    if (code === openBracket) return this.array(depth)
    if (code === 0x74) return this.word('true', true)
    if (code === 0x66) return this.word('false', false)
    if (code === 0x6e) return this.word('null', null)
    const start = this.at
    this.number()
    const number = Number(this.text.slice(start, this.at))
    if (!Number.isFinite(number)) throw new Fault('a number is out of range')
    return number
  }

  private array(depth: number): unknown[] {
    if (depth > this.depthMax) throw new Fault(`nested deeper than ${this.depthMax}`)
    const items: unknown[] = []
    this.at++
    if (this.peek() === closeBracket) {
      this.at++
      return items
    }
    for (;;) {
      items.push(this.value(depth + 1))
      const next = this.peek()
      this.at++
      if (next === closeBracket) return items
      if (next !== comma) throw new Fault('not valid JSON')
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new Fault('not valid JSON')
    this.at += word.length
    return value
  }

  /** A string of the envelope as a value; NUL is refused because storage and other languages end text there. */
  private stringValue(): string {
    const start = this.at
    this.string()
    if (!this.escaped) return this.text.slice(start + 1, this.at - 1)
    const text: string = JSON.parse(this.text.slice(start, this.at))
    if (text.includes('\0')) throw new Fault('NUL is not allowed')
    return text
  }

  /** Passes over one value of any kind, iteratively: depth costs no call stack. `outer` levels are open around it. */
  private skip(outer: number): void {
    const { text } = this
    let open = 0
    for (;;) {
      // One value, or the opening of a container.
      let code = this.peek()
      if (code === quote) this.string()
      else if (code === openBrace || code === openBracket) {
        if (outer + open + 1 > this.depthMax) throw new Fault(`nested deeper than ${this.depthMax}`)
        const object = code === openBrace
        stack[open++] = object ? 1 : 0
        this.at++
        code = this.peek()
        if (code === (object ? closeBrace : closeBracket)) {
          this.at++
          open--
        } else {
          if (object) this.skipKey()
          continue
        }
      } else if (code === 0x74) this.word('true', true)
      else if (code === 0x66) this.word('false', false)
      else if (code === 0x6e) this.word('null', null)
      else this.number()
      // What may follow it.
      for (;;) {
        if (open === 0) return
        const object = stack[open - 1] === 1
        let next = text.charCodeAt(this.at)
        if (next <= 0x20) next = this.peek()
        this.at++
        if (next === comma) {
          if (object) this.skipKey()
          break
        }
        if (next !== (object ? closeBrace : closeBracket)) throw new Fault('not valid JSON')
        open--
      }
    }
  }

  private skipKey(): void {
    if (this.peek() !== quote) throw new Fault('not valid JSON')
    this.string()
    if (this.peek() !== colon) throw new Fault('not valid JSON')
    this.at++
  }

  /** Passes over a string; `at` is on its opening quote and ends behind its closing one. */
  private string(): void {
    const { text } = this
    let at = this.at + 1
    this.escaped = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === quote) break
      if (code === backslash) {
        this.escaped = true
        at = this.escape(at)
      } else if (code >= 0x20) at++
      // Also NaN: the end of the text.
      else throw new Fault(code < 0x20 ? 'a control character in a string' : 'not valid JSON')
    }
    this.at = at + 1
  }

  /** `at` is on the backslash; returns where the escape (or the pair of surrogates) ends. */
  private escape(at: number): number {
    const { text } = this
    switch (text.charCodeAt(at + 1)) {
      case 0x22:
      case 0x5c:
      case 0x2f:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        return at + 2
      case 0x75: {
        const unit = hex4(text, at + 2)
        if (unit < 0xd800 || unit > 0xdfff) return at + 6
        const low = unit < 0xdc00 && text.charCodeAt(at + 6) === backslash && text.charCodeAt(at + 7) === 0x75 ? hex4(text, at + 8) : 0
        if (low < 0xdc00 || low > 0xdfff) throw new Fault('a lone surrogate is not text')
        return at + 12
      }
      default:
        throw new Fault('not valid JSON')
    }
  }

  private number(): void {
    const { text } = this
    let at = this.at
    if (text.charCodeAt(at) === 0x2d) at++
    const first = text.charCodeAt(at)
    if (first === 0x30) at++
    else at = digits(text, at)
    if (text.charCodeAt(at) === 0x2e) at = digits(text, at + 1)
    if ((text.charCodeAt(at) | 0x20) === 0x65) {
      const sign = text.charCodeAt(at + 1)
      at = digits(text, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
    }
    this.at = at
  }

  /** The code of the next character that is not space; -1 at the end. */
  private peek(): number {
    const { text } = this
    let at = this.at
    let code = text.charCodeAt(at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
    this.at = at
    return at < text.length ? code : -1
  }
}

/** At least one digit; returns where they end. */
function digits(text: string, from: number): number {
  let at = from
  let code = text.charCodeAt(at)
  while (code >= 0x30 && code <= 0x39) code = text.charCodeAt(++at)
  if (at === from) throw new Fault('not valid JSON')
  return at
}

function hex4(text: string, from: number): number {
  let unit = 0
  for (let at = from; at < from + 4; at++) {
    const code = text.charCodeAt(at)
    const lower = code | 0x20
    if (code >= 0x30 && code <= 0x39) unit = unit * 16 + code - 0x30
    else if (lower >= 0x61 && lower <= 0x66) unit = unit * 16 + lower - 0x57
    else throw new Fault('not valid JSON')
  }
  return unit
}
