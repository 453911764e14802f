/**
 * What was written last, of all partitions, as it was given. Who follows a partition closely reads it from here: the log would
 * only decode and check what was encoded and summed up a moment ago. What is not on disk yet is always here.
 */
import type { LogRecord } from '../port.js'
import { bytesOf } from '../record.js'

/** Bytes of all partitions together; what is not on disk yet may be more. */
export const recentBytesMax = 16_777_216

interface Write {
  records: readonly LogRecord[]
  bytes: number
  /** Of the partition that it belongs to: everything up to its end, without a gap. */
  of: Recent
}

/** Shared by the partitions of a store: which writes there are, the oldest first. */
export class RecentBudget {
  private order: Write[] = []
  private head = 0
  private bytes = 0

  constructor(private readonly bytesMax: number) {}

  took(write: Write): void {
    this.order.push(write)
    this.bytes += write.bytes
  }

  /** Drops the oldest that are on disk, down to the bound. */
  trim(): void {
    for (let write = this.order[this.head]; write && this.bytes > this.bytesMax && write.of.drop(write); write = this.order[this.head]) {
      this.bytes -= write.bytes
      this.order[this.head++] = undefined as never
    }
    if (this.head > 1_000 && this.head * 2 > this.order.length) {
      this.order = this.order.slice(this.head)
      this.head = 0
    }
  }
}

export class Recent {
  private writes: Write[] = []

  /** @param saved end of what is on disk: from there on nothing may be dropped */
  constructor(
    private readonly budget: RecentBudget,
    private readonly saved: () => number,
  ) {}

  add(records: readonly LogRecord[], bytes: number): void {
    const write = { records, bytes, of: this }
    this.writes.push(write)
    this.budget.took(write)
  }

  /** Records from `from` on, at least one and none from `end` on; undefined where `from` was dropped. */
  read(from: number, end: number, bytesMax: number): { records: LogRecord[]; next: number } | undefined {
    const { writes } = this
    let at = writes.length
    while (at > 0 && writes[at - 1]!.records.at(-1)!.offset >= from) at--
    if (at === writes.length || writes[at]!.records[0]!.offset > from) return undefined
    const records: LogRecord[] = []
    let bytes = 0
    for (; at < writes.length; at++) {
      for (const record of writes[at]!.records) {
        if (record.offset < from) continue
        if (record.offset >= end || (bytes >= bytesMax && records.length > 0)) return { records, next: record.offset }
        records.push(record)
        bytes += bytesOf(record)
      }
    }
    return { records, next: records.at(-1)!.offset + 1 }
  }

  /** The last writes, from this offset on, never happened. */
  undo(end: number): void {
    while (this.writes.length > 0 && this.writes.at(-1)!.records[0]!.offset >= end) this.writes.pop()
  }

  /** What is on disk is not what was written any more. */
  forget(): void {
    const saved = this.saved()
    this.writes = this.writes.filter(({ records }) => records.at(-1)!.offset >= saved)
  }

  /** For the budget. False = it is not on disk yet. */
  drop(write: Write): boolean {
    if (this.writes[0] !== write) return true
    if (write.records.at(-1)!.offset >= this.saved()) return false
    this.writes.shift()
    return true
  }
}
