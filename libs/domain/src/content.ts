/** Contents of the types that the domain owns; all others are opaque text. */
import type { RawJson } from './event.js'
import { type Refusal, refuse } from './refusal.js'
import type { StateEntry } from './state-event.js'

export type JsonObject = Record<string, unknown>

/** The object that a content is, or the refusal. */
export function objectOf(content: RawJson): JsonObject | Refusal {
  const value = parse(content)
  return isObject(value) ? value : refuse('invalid', 'content must be a JSON object', { field: 'content' })
}

/** The content of a state entry, parsed once for each entry object. `undefined` where nothing is there, or it is gone. */
export function contentOf(entry: StateEntry | undefined): JsonObject | undefined {
  if (entry === undefined) return undefined
  let value = parsed.get(entry)
  if (value === undefined) {
    value = parse(entry.content)
    parsed.set(entry, value)
  }
  return isObject(value) ? value : undefined
}

/** A cache, not state: an entry is immutable, so its parsed content is a function of it. */
const parsed = new WeakMap<StateEntry, unknown>()

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const isGone = (content: RawJson): boolean => content.trim() === 'null'

/** Text of an object with the members that are not undefined, in the order given. */
export const json = (value: JsonObject): RawJson => JSON.stringify(value)

function parse(text: RawJson): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
