/**
 * A subscription's filter, compiled once: which events it wants, by routing facts alone.
 */
import type { Filter } from '@roomlog/protocol'
import type { RoomRecord } from './record.js'

export interface Wanted {
  /** Superseded state too. */
  readonly full: boolean
  /** Nothing but the default is asked for: every event in order. */
  readonly plain: boolean
  /** Whose presence is wanted; absent = everybody's. */
  readonly users?: ReadonlySet<string>
  accepts(record: RoomRecord): boolean
}

export function compileFilter(filter: Filter = {}): Wanted {
  const types = filter.types && globs(filter.types)
  const senders = filter.senders && new Set(filter.senders)
  const outOfOrder = filter.outOfOrder ?? false
  return {
    full: filter.full ?? false,
    ...(filter.users ? { users: new Set(filter.users) } : {}),
    plain: !types && !senders && !outOfOrder,
    accepts: (record) =>
      (record.follows === undefined || outOfOrder) && (!types || types(record.type)) && (!senders || senders.has(record.sender)),
  }
}

/** `*` matches any run of characters; everything else is itself. */
function globs(patterns: readonly string[]): (text: string) => boolean {
  const known = new Map<string, boolean>()
  return (text) => {
    let matches = known.get(text)
    if (matches === undefined) {
      matches = patterns.some((pattern) => globMatches(pattern, text))
      if (known.size < knownMax) known.set(text, matches)
    }
    return matches
  }
}

/**
 * At most pattern × text steps, whatever the client has thought up: only the last star is ever moved. (As a regular expression,
 * twelve stars and a long type would hold the process for minutes.)
 */
export function globMatches(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let taken = 0
  for (let i = 0; i < text.length; ) {
    if (pattern[at] === '*') {
      star = at++
      taken = i
    } else if (pattern[at] === text[i]) {
      at++
      i++
    } else if (star >= 0) {
      at = star + 1
      i = ++taken
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

/** Types whose answer a filter remembers. */
const knownMax = 256
