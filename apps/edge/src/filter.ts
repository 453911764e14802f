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
  const forms = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's'))
  const known = new Map<string, boolean>()
  return (text) => {
    let matches = known.get(text)
    if (matches === undefined) {
      matches = forms.some((form) => form.test(text))
      if (known.size < knownMax) known.set(text, matches)
    }
    return matches
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
/** Types whose answer a filter remembers. */
const knownMax = 256
