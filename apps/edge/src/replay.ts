/**
 * Where a subscription that is behind reads on: the log by offset while the distance is small, persistence by `seq`
 * where it is not or the log was trimmed, and the log again from the offset at which persistence's answer is true.
 *
 * Hand-over between the sources is proven: a page begins with the `seq` after the cursor's, or it is not used.
 */
import type { LogRecord } from '@roomlog/log'
import type { Chunks } from './chunks.js'
import type { History } from './ports.js'
import { RoomRecord, storedRecord } from './record.js'
import type { Room } from './room.js'

/** Where a subscription stands. */
export interface Cursor {
  /** The last `seq` accounted for. */
  seq: number
  /** Nothing of the room after `seq` stands below; undefined = not known. */
  offset: number | undefined
  /** How many offsets to read from the log before persistence is asked again, after it had no more to give. */
  logBudget: number
}

export interface Page {
  /** Ascending from `cursor.seq + 1` without a gap; may be empty. */
  records: RoomRecord[]
  cursor: Omit<Cursor, 'seq'>
  source: 'log' | 'persistence'
  /** False where nothing was gained: the same question would get the same answer now. */
  progress: boolean
}

export interface ReplayOptions {
  /** Distance to the tail up to which the log is read by offset. */
  recordsMax: number
  /** Events of one page of persistence. */
  pageEvents: number
}

export class Replay {
  constructor(
    private readonly chunks: Chunks,
    private readonly history: History,
    private readonly options: ReplayOptions,
  ) {}

  /** The next page after the cursor. @throws what the sources throw; the cursor is then as good as before. */
  async page(room: Room, cursor: Cursor): Promise<Page> {
    const { offset, logBudget } = cursor
    const near = offset !== undefined && (room.feed.next - offset <= this.options.recordsMax || logBudget > 0)
    await room.erasures.complete(near ? offset : undefined)
    const page = near ? await this.fromLog(room, cursor, offset) : await this.fromHistory(room, cursor)
    for (const record of page.records) await room.erasures.presentable(record)
    const { cursor: next, records } = page
    return { ...page, progress: records.length > 0 || next.offset !== offset || next.logBudget !== logBudget }
  }

  private async fromLog(room: Room, cursor: Cursor, offset: number): Promise<Omit<Page, 'progress'>> {
    const chunk = await this.chunks.readKept(room.feed, offset)
    if (!chunk) return this.fromTrimmed(room, cursor)
    const records = chunk.records
      .filter((record: LogRecord) => record.key === room.id && record.offset >= offset)
      .map((record: LogRecord) => RoomRecord.of(record, room.feed)!)
      .filter((record) => record !== undefined && record.seq > cursor.seq)
    const first = records[0]
    if (first && first.seq !== cursor.seq + 1) {
      // What does not stand from there on in the log, persistence has, or will have: nothing is passed over.
      await room.erasures.complete()
      const page = await this.fromHistory(room, cursor)
      if (page.records.length === 0) throw new Error(`nobody has seq ${cursor.seq + 1} of a room yet`)
      return page
    }
    return { records, cursor: { offset: chunk.next, logBudget: Math.max(cursor.logBudget - (chunk.next - offset), 0) }, source: 'log' }
  }

  /** Nothing is trimmed that persistence does not have: its answer, when there is no more of it, is true beyond the log's start. */
  private async fromTrimmed(room: Room, cursor: Cursor): Promise<Omit<Page, 'progress'>> {
    await room.erasures.complete()
    return this.fromHistory(room, cursor)
  }

  private async fromHistory(room: Room, cursor: Cursor): Promise<Omit<Page, 'progress'>> {
    const page = await this.history.events(room.id, cursor.seq, this.options.pageEvents)
    const rows = page.events.filter((row) => row.seq <= room.tail.seq)
    if (rows[0] && rows[0].seq !== cursor.seq + 1) throw new Error(`persistence has a gap before seq ${rows[0].seq}`)
    const last = rows.at(-1)
    const more = page.events.length >= this.options.pageEvents
    return {
      records: rows.map((row) => storedRecord(room.id, row, room.feed)),
      cursor: more
        ? { offset: last && last.offset + 1, logBudget: 0 }
        : { offset: Math.max(page.through, cursor.offset ?? 0), logBudget: this.options.recordsMax },
      source: 'persistence',
    }
  }
}
