/** What every part of one authority is given: where it works, and with what. */
import type { Log } from '@roomlog/log'
import { commandsTopic, eventsTopic, type Family, stateTopic } from '@roomlog/protocol'
import { type Bounds, bounds } from './bounds.js'
import { type Clock, systemClock } from './clock.js'
import type { Observer } from './observer.js'
import type { History, ReferenceCache } from './references.js'
import type { Rules } from './rules.js'

export interface SiteOptions {
  log: Log
  family: Family
  partition: number
  rules: Rules
  observer: Observer
  cache: ReferenceCache
  /** Names a new incarnation of the log. */
  newId: () => string
  clock?: Clock
  history?: History
  bounds?: Partial<Bounds>
}

export interface Site extends Omit<SiteOptions, 'bounds' | 'clock'> {
  readonly topics: { readonly commands: string; readonly events: string; readonly state: string }
  readonly clock: Clock
  readonly bounds: Bounds
  /** Names of this partition, for log lines. */
  readonly place: { readonly family: Family; readonly partition: number }
  /** What is tried again, or lost without harm. */
  warn(what: string): (error: Error) => void
}

export function siteOf(options: SiteOptions): Site {
  const { family, partition, observer } = options
  const place = { family, partition }
  return {
    ...options,
    place,
    topics: { commands: commandsTopic(family), events: eventsTopic(family), state: stateTopic(family) },
    clock: options.clock ?? systemClock,
    bounds: { ...bounds, ...options.bounds },
    warn: (what) => (error) => observer.warn({ ...place, err: error }, what),
  }
}
