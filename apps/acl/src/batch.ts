/**
 * What one append says: the events of several commands, a mark where something is sent on (or nothing else is said), and in
 * the headers how far commands and causes are decided. Begun at one end of the log, and good only there.
 */
import { bounds as logBounds, type RecordDraft } from '@roomlog/log'
import type { Cause } from '@roomlog/protocol'
import { type CausePlace, encodeCauses, laterCause, sourceOf } from './causes.js'
import type { Fold } from './fold.js'
import { type Draft, markRecord, sizeOf } from './record.js'
import { encodeThen, type Then } from './then.js'

export class Batch {
  /** Commands up to `cmd` that wait for their `prevActionId`. */
  readonly parked: Set<number>
  private cmd: number
  private bytes = 0
  private readonly records: Draft[] = []
  /** Follow-ups of events, by the index of the event's record. */
  private readonly sends: { index: number; then: Then[] }[] = []
  /** Follow-ups of decisions: they travel in the mark. */
  private readonly then: Then[] = []
  private readonly causes = new Map<string, CausePlace>()

  constructor(
    private readonly fold: Fold,
    private readonly bytesMax: number,
  ) {
    this.cmd = fold.cmd
    this.parked = new Set(fold.parked)
  }

  /** Where the next record means to stand. */
  get next(): number {
    return this.fold.end + this.records.length
  }

  /** It has events, or sends something on: the log should hear of it at once. */
  get urgent(): boolean {
    return this.records.length > 0 || this.then.length > 0
  }

  /** It says something that the log does not. */
  get pending(): boolean {
    return this.urgent || this.cmd > this.fold.cmd || this.causes.size > 0 || this.parkedChanged
  }

  /**
   * Adds the records of one command, with the follow-ups of each and those of the decision. All or nothing.
   * `full` = they belong to the next batch, `too_large` = to none.
   */
  add(records: readonly { record: Draft; followUps: Then[] }[], then: readonly Then[]): 'added' | 'full' | 'too_large' {
    const more =
      records.reduce((sum, { record }) => sum + sizeOf(record), 0) +
      then.reduce((sum, { command }) => sum + command.content.length * 6 + 2_000, 0)
    if (this.bytes > 0 && this.bytes + more > this.bytesMax) return 'full'
    if (more > logBounds.appendBytesMax - headroom) return 'too_large'
    this.bytes += more
    for (const { record, followUps } of records) {
      if (followUps.length > 0) this.sends.push({ index: this.records.length, then: followUps })
      this.records.push(record)
    }
    this.then.push(...then)
    return 'added'
  }

  /** The commands up to `offset` are decided, or parked. */
  cover(offset: number): void {
    this.cmd = Math.max(this.cmd, offset)
  }

  isRepeat(cause: Cause): boolean {
    const source = sourceOf(cause)
    return !laterCause([cause.offset, cause.index], this.causes.get(source) ?? this.fold.causes.get(source))
  }

  note(cause: Cause): void {
    if (!this.isRepeat(cause)) this.causes.set(sourceOf(cause), [cause.offset, cause.index])
  }

  seal(): RecordDraft[] {
    if (this.then.length > 0) this.records.push(markRecord({ mark: 'decided', then: this.then.map(encodeThen) }))
    else if (this.records.length === 0) this.records.push(markRecord({ mark: 'decided' }))
    const cmd = String(this.cmd)
    for (const { headers } of this.records) headers['cmd'] = cmd
    const last = this.records.at(-1)!.headers
    if (this.causes.size > 0) last['causes'] = JSON.stringify(encodeCauses(this.causes))
    if (this.parkedChanged) last['parked'] = JSON.stringify([...this.parked].sort((a, b) => a - b))
    return this.records
  }

  /** The log has taken the sealed batch: moves the fold as reading it would, and sends what follows. */
  commit(send: (offset: number, then: Then[]) => void): void {
    const { fold, records } = this
    const base = fold.end
    fold.cmd = this.cmd
    fold.parked = this.parked
    for (const [source, place] of this.causes) fold.decided(source, place)
    fold.end = base + records.length
    fold.last = { offset: fold.end - 1, value: records.at(-1)!.value }
    for (const { index, then } of this.sends) send(base + index, then)
    if (this.then.length > 0) send(fold.end - 1, this.then)
  }

  private get parkedChanged(): boolean {
    const { parked } = this.fold
    if (parked.size !== this.parked.size) return true
    for (const offset of this.parked) if (!parked.has(offset)) return true
    return false
  }
}

/** Left of the log's bound for the mark's frame and the headers of the last record: 64 causes and 1,000 parked offsets. */
const headroom = 40_000
