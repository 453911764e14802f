/**
 * Which events of a room are deleted, so that their content never goes out again. Persistence's list is true at its checkpoint;
 * deletions since are met by the room itself. Nothing that stands where everything since has been met needs the list.
 */
import { decodeEvent, deletionOf, tombstone } from '@roomlog/protocol'
import type { History } from './ports.js'
import { type RoomRecord, tombstoneOf } from './record.js'

export class Erasures {
  /** Deletions met since the room is followed, by the `seq` that they erase. */
  private readonly met = new Map<number, RoomRecord>()
  private stored: ReadonlySet<number> | undefined
  /** Every event from this offset on has been met. */
  private metFrom = Number.POSITIVE_INFINITY

  constructor(
    private readonly room: string,
    private readonly history: History,
  ) {}

  note(record: RoomRecord): void {
    if (record.erases !== undefined) this.met.set(record.erases, record)
  }

  completeFrom(offset: number): void {
    this.metFrom = Math.min(this.metFrom, offset)
  }

  forget(): void {
    this.met.clear()
    this.stored = undefined
    this.metFrom = Number.POSITIVE_INFINITY
  }

  /** Awaited before anything that stands at `offset` or later (absent = anywhere) is presented. */
  async complete(offset?: number): Promise<void> {
    if (this.stored || (offset !== undefined && offset >= this.metFrom)) return
    const { erased } = await this.history.erased(this.room)
    this.stored = new Set(erased)
  }

  /** The record as it may go out: its tombstone if it is erased. Complete to what is folded, given `complete` was awaited. */
  async presentable(record: RoomRecord): Promise<RoomRecord> {
    const deletion = this.met.get(record.seq)
    if (deletion) record.erase(tombstoneOf(record, deletion))
    else if (this.stored?.has(record.seq)) record.erase(await this.storedTombstone(record))
    return record
  }

  private async storedTombstone(record: RoomRecord): Promise<Buffer> {
    const page = await this.history.events(this.room, record.seq - 1, 1)
    const found = page.events[0]
    if (found?.seq === record.seq) return Buffer.from(found.bytes)
    const event = decodeEvent(record.value)
    return Buffer.from(tombstone(record.value, deletionOf({ ...event, content: '{}' })))
  }
}
