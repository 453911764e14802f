/**
 * Group commit. All changes that wait when a round begins are one LMDB transaction: all of them or none, on disk before
 * anybody is told. While a round is on its way the next one fills.
 *
 * A change is `kept` when somebody in this process may already have seen it (a command): if its round fails it stays
 * first in line until a round succeeds, so that its offset is never given away to something else.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'lmdb'
import { RoomlogError } from '../failure.js'
import type { Room } from './room.js'

export interface Change {
  puts: readonly [key: Buffer, value: Buffer][]
  removes?: readonly Buffer[]
  bytes: number
  kept: boolean
  /** How long it may wait for company before a round begins. */
  waitMs: number
  saved(): void
  failed(error: RoomlogError): void
}

export type Store = Database<Buffer, Buffer>

/** A command waits so long for the events decided from it, so that both are in one commit. */
export const gatherMs = 2
/** What nobody waits for (answers, presence) goes with the next commit, or makes one of its own after this time. */
export const passingMs = 100
const roundBytesMax = 16_777_216
const retryMs = 1_000

export class Rounds {
  private waiting: Change[] = []
  private kept: Change[] = []
  /** Of what no round has taken yet. */
  waitingBytes = 0
  private running?: Promise<void>
  private timer: NodeJS.Timeout | NodeJS.Immediate | undefined
  private timerMs = 0
  /** The least `waitMs` of what waits. */
  private soonestMs = Number.POSITIVE_INFINITY
  private closed = false
  /** Why nothing can be written now. */
  failure?: RoomlogError

  constructor(
    private readonly store: Store,
    private readonly room: Room,
    private readonly onFailure: (error: Error) => void,
  ) {}

  add(change: Change): void {
    this.waiting.push(change)
    this.waitingBytes += change.bytes
    this.soonestMs = Math.min(this.soonestMs, change.waitMs)
    this.schedule(change.waitMs)
  }

  /** Resolves when everything that was added is on disk, or has failed. */
  async close(): Promise<void> {
    this.closed = true
    do {
      this.begin()
      await this.running
    } while (this.waiting.length > 0 || this.kept.length > 0)
  }

  private schedule(waitMs: number): void {
    if (this.running || (this.timer && this.timerMs <= waitMs)) return
    this.unschedule()
    this.timerMs = waitMs
    this.timer = waitMs === 0 ? setImmediate(() => this.begin()) : setTimeout(() => this.begin(), waitMs)
  }

  private unschedule(): void {
    clearTimeout(this.timer as NodeJS.Timeout)
    clearImmediate(this.timer as NodeJS.Immediate)
    this.timer = undefined
  }

  private begin(): void {
    this.unschedule()
    if (this.running || (this.waiting.length === 0 && this.kept.length === 0)) return
    this.running = this.round().finally(() => {
      this.running = undefined
      if (this.waiting.length === 0 && this.kept.length === 0) return
      // Not in this tick: who was just told that its append is saved has the next one ready before it ends.
      this.schedule(this.kept.length > 0 || this.soonestMs <= gatherMs ? 0 : this.soonestMs)
    })
  }

  private async round(): Promise<void> {
    const changes = this.take()
    try {
      await this.room.take(changes.reduce((sum, change) => sum + change.bytes, 0))
      await this.commit(changes)
    } catch (error) {
      return this.fail(changes, error as Error)
    }
    this.failure = undefined
    this.store.resetReadTxn()
    for (const change of changes) change.saved()
  }

  private take(): Change[] {
    const changes = this.kept
    this.kept = []
    const keptBytes = changes.reduce((sum, change) => sum + change.bytes, 0)
    let bytes = keptBytes
    let taken = 0
    while (taken < this.waiting.length && (bytes < roundBytesMax || changes.length === 0)) {
      bytes += this.waiting[taken]!.bytes
      changes.push(this.waiting[taken++]!)
    }
    this.waiting.splice(0, taken)
    this.soonestMs = this.waiting.length === 0 ? Number.POSITIVE_INFINITY : 0
    this.waitingBytes = this.waiting.length === 0 ? 0 : this.waitingBytes - bytes + keptBytes
    return changes
  }

  private async commit(changes: readonly Change[]): Promise<void> {
    await this.store.transaction(() => {
      for (const { puts, removes } of changes) {
        for (const [key, value] of puts) this.store.put(key, value)
        for (const key of removes ?? []) this.store.remove(key)
      }
    })
  }

  private async fail(changes: readonly Change[], cause: Error): Promise<void> {
    const error = new RoomlogError('unavailable', `the log cannot be written: ${cause.message.split('\n')[0]}`, { cause })
    this.failure = error
    this.onFailure(error)
    this.kept = changes.filter((change) => change.kept)
    const lost = [...changes, ...this.waiting.filter((change) => !change.kept)].filter((change) => !change.kept)
    this.waiting = this.waiting.filter((change) => change.kept)
    this.waitingBytes = this.waiting.reduce((sum, change) => sum + change.bytes, 0)
    for (const change of lost) change.failed(error)
    for (const change of this.kept) change.failed(new RoomlogError('unknown', error.message, { cause }))
    if (this.closed) {
      this.kept = []
      this.waiting = []
    } else if (this.kept.length > 0 || this.waiting.length > 0) await delay(retryMs)
    else this.failure = undefined
  }
}
