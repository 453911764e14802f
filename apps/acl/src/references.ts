/**
 * The events that commands refer to: cache → log, by the offset in the event's ID → history, where the log was trimmed.
 * Events never change, so whoever reads them decides alike. What cannot be read now is `unavailable`, never guessed.
 */
import type { References as Found, Referenced, RoomEvent } from '@roomlog/domain'
import { type EventPlace, parseEventId } from '@roomlog/log'
import { decodeRecord } from '@roomlog/protocol'
import { bounds } from './bounds.js'
import type { Site } from './site.js'
import { noReferences, type Waiting } from './waiting.js'

/** What a trimmed log no longer holds. Throws where it cannot say now. */
export interface History {
  event(id: string, signal: AbortSignal): Promise<RoomEvent | undefined>
}

/** `beyond`: an ID that points past the end that was known; it is looked up again when its command's turn comes. */
export type Resolved = Found | 'beyond' | 'unavailable'

export class References {
  private readonly asked = new Map<string, Promise<RoomEvent | 'not_found'>>()

  constructor(
    private readonly site: Site,
    private readonly end: () => number,
  ) {}

  /** As a command is read: what it needs is on its way when its turn comes. */
  prepare(waiting: Waiting): void {
    const ids = waiting.command ? this.site.rules.needs(waiting.command) : []
    if (ids.length > 0) waiting.references = this.resolve(waiting.command!.room, ids)
  }

  /** At a command's turn. An ID past the end of the log that the batch stands on is no event of it. */
  async of(waiting: Waiting): Promise<Found | 'unavailable'> {
    let found = await waiting.references
    if (found === 'beyond') found = await this.resolveNow(waiting.command!.room, this.site.rules.needs(waiting.command!))
    waiting.references = found
    return found === 'beyond' ? noReferences : found
  }

  private resolve(room: string, ids: readonly string[]): Resolved | Promise<Resolved> {
    const known = new Map<string, Referenced | 'not_found'>()
    const missing: [string, EventPlace][] = []
    for (const id of ids) {
      const place = parseEventId(id)
      const cached = this.site.cache.get(this.keyOf(id))
      if (cached) known.set(id, cached.room === room ? { event: cached } : 'not_found')
      else if (place?.partition !== this.site.partition) known.set(id, 'not_found')
      else missing.push([id, place])
    }
    if (missing.length === 0) return known
    if (missing.some(([, place]) => place.offset >= this.end())) return 'beyond'
    return this.readAll(room, missing, known)
  }

  private resolveNow(room: string, ids: readonly string[]): Resolved | Promise<Resolved> {
    const isThere = (id: string) => (parseEventId(id)?.offset ?? 0) < this.end()
    const resolved = this.resolve(room, ids.filter(isThere))
    const withMissing = (found: Resolved) => {
      if (typeof found === 'string') return found
      const all = new Map(found)
      for (const id of ids) if (!isThere(id)) all.set(id, 'not_found')
      return all
    }
    return resolved instanceof Promise ? resolved.then(withMissing) : withMissing(resolved)
  }

  /** An event that was just appended is the likeliest to be referred to. */
  remember(event: RoomEvent, bytes: number): void {
    this.site.cache.set(this.keyOf(event.id), event, bytes)
  }

  private async readAll(room: string, missing: [string, EventPlace][], known: Map<string, Referenced | 'not_found'>): Promise<Resolved> {
    try {
      for (const [id, place] of missing) {
        const found = await this.readOnce(id, place)
        known.set(id, found !== 'not_found' && found.room === room ? { event: found } : 'not_found')
      }
      return known
    } catch {
      return 'unavailable'
    }
  }

  private readOnce(id: string, place: EventPlace): Promise<RoomEvent | 'not_found'> {
    const running = this.asked.get(id)
    if (running) return running
    const asked = this.read(id, place).finally(() => this.asked.delete(id))
    this.asked.set(id, asked)
    return asked
  }

  private async read(id: string, place: EventPlace): Promise<RoomEvent | 'not_found'> {
    const { log, topics, partition } = this.site
    const { start } = await log.range(topics.events, partition)
    if (place.offset < start) return this.readHistory(id)
    const { records } = await log.read(topics.events, partition, place.offset, { bytesMax: 1 })
    const record = records[0]
    if (record?.offset !== place.offset || record.headers['seq'] === undefined) return 'not_found'
    const event = decodeRecord(record)
    if (event.id !== id) return 'not_found'
    this.site.cache.set(this.keyOf(id), event, record.value!.length)
    return event
  }

  private async readHistory(id: string): Promise<RoomEvent | 'not_found'> {
    const { history, bounds } = this.site
    if (!history) throw new Error('the log is trimmed, and no history is configured')
    const event = await history.event(id, AbortSignal.timeout(bounds.historyMsMax))
    if (event?.id !== id) return 'not_found'
    this.site.cache.set(this.keyOf(id), event, event.content.length + 500)
    return event
  }

  private keyOf(id: string): string {
    return `${this.site.family}/${id}`
  }
}

/**
 * Events by ID; one for all partitions of a process. Two generations: when the young one holds half of the bytes, the old one
 * is dropped as a whole and the young one grows old. (Dropping the first of a Map, one by one, costs a walk over what was
 * dropped before.) What is used is young again.
 */
export class ReferenceCache {
  private young = new Map<string, Kept>()
  private old = new Map<string, Kept>()
  private youngBytes = 0
  private oldBytes = 0

  constructor(private readonly bytesMax: number = bounds.referenceBytesMax) {}

  get bytes(): number {
    return this.youngBytes + this.oldBytes
  }

  get(key: string): RoomEvent | undefined {
    const young = this.young.get(key)
    if (young) return young.event
    const old = this.old.get(key)
    if (old) {
      this.old.delete(key)
      this.oldBytes -= old.bytes
      this.keep(key, old)
    }
    return old?.event
  }

  set(key: string, event: RoomEvent, bytes: number): void {
    if (!this.get(key)) this.keep(key, { event, bytes: bytes + overhead })
  }

  private keep(key: string, kept: Kept): void {
    if (this.youngBytes + kept.bytes > this.bytesMax / 2) {
      this.old = this.young
      this.oldBytes = this.youngBytes
      this.young = new Map()
      this.youngBytes = 0
    }
    this.young.set(key, kept)
    this.youngBytes += kept.bytes
  }
}

interface Kept {
  event: RoomEvent
  bytes: number
}

/** What a kept event costs besides its text. */
const overhead = 600
