/**
 * Writes what the fold holds to `<family>.state`, a little at a time, while the partition goes on deciding.
 *
 * Every chunk is written as it is at one instant and says so (`through`), so chunks of one checkpoint need not be of one age.
 * The head comes last, when all chunks that were dirty as it began are acknowledged: from its `through` on, a replay misses
 * nothing. It stays behind the first event whose follow-ups are not acknowledged, and behind an event that stopped its room.
 */
import type { Log, RecordDraft } from '@roomlog/log'
import { recordVersion } from '@roomlog/protocol'
import type { Bounds } from './bounds.js'
import { encodeCauses } from './causes.js'
import { type Clock, pause } from './clock.js'
import type { Fold } from './fold.js'
import { type Head, headKey, recordCheck } from './head.js'
import type { Observer } from './observer.js'
import type { Chunk, Room } from './room.js'
import { Slice } from './slice.js'

export interface CheckpointOptions {
  log: Log
  topic: string
  fold: Fold
  /** Offset of this owner's mark. */
  owner: number
  /** End of the state topic when it was restored. */
  restored: number
  leftovers: readonly string[]
  clock: Clock
  observer: Observer
  bounds: Bounds
  /** First event whose follow-ups are not acknowledged. */
  firstOpen: () => number | undefined
}

export class Checkpoint {
  /** Milliseconds since 1970 of the last head, and the offset that it covers. */
  at: number
  through: number
  private stopped = false
  private running?: Promise<void>
  private leftovers: readonly string[]

  constructor(private readonly of: CheckpointOptions) {
    this.leftovers = of.leftovers
    this.at = of.clock.now()
    this.through = of.fold.end
  }

  get due(): boolean {
    const { fold, clock, bounds } = this.of
    if (this.running || this.stopped || fold.end === this.through) return false
    return fold.end - this.through >= bounds.checkpointEventsMax || clock.now() - this.at >= bounds.checkpointMsMax
  }

  /** One checkpoint at a time; a second call joins the running one. Never throws: what fails is tried again or left to the next. */
  write(): Promise<void> {
    this.running ??= this.run()
      .catch((error: Error) => this.of.observer.error({ err: error }, 'checkpoint failed'))
      .finally(() => (this.running = undefined))
    return this.running
  }

  /** Ends the running checkpoint where it stands: without its head it is only a few newer chunks. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async run(): Promise<void> {
    const { fold, clock, observer } = this.of
    const began = clock.now()
    const head = this.head()
    const rooms = fold.dirty
    fold.dirty = new Set()
    const leftovers = this.leftovers
    const writer = new Writer(this.of, () => this.stopped)
    for (const key of leftovers) await writer.add({ key, value: null, headers: writer.headers(fold.end) })
    for (const room of rooms) {
      if (this.stopped) break
      if (room.stoppedAt === undefined) await this.writeRoom(room, writer)
    }
    await writer.flush()
    if (this.stopped) return
    this.leftovers = []
    await writer.add({ key: headKey, value: JSON.stringify(head), headers: writer.headers(head.through) })
    await writer.flush()
    if (this.stopped) return
    this.at = clock.now()
    this.through = fold.end < head.through ? fold.end : head.through
    observer.count('checkpoints')
    observer.time('checkpoint', this.at - began)
  }

  /** As the fold stands now; written when every chunk that is dirty now is acknowledged. */
  private head(): Head {
    const { fold, restored, clock, firstOpen } = this.of
    let through = Math.min(fold.end, firstOpen() ?? fold.end)
    for (const room of fold.stopped) through = Math.min(through, room.stoppedAt!)
    return {
      through,
      last: fold.last && { offset: fold.last.offset, check: recordCheck(fold.last.value) },
      cmd: fold.cmd,
      parked: [...fold.parked],
      causes: encodeCauses(fold.causes),
      incarnation: fold.incarnation,
      restored,
      at: clock.now(),
    }
  }

  private async writeRoom(room: Room, writer: Writer): Promise<void> {
    const before = room.chunkKeys()
    let dirty = encodeDirty(room)
    while (dirty.some(({ chunk, text }) => text.length > this.of.bounds.chunkBytesMax && chunk.entries().size > 1) && room.chunks.length < this.of.bounds.chunksMax) {
      room.double()
      this.of.observer.count('chunksDoubled')
      dirty = encodeDirty(room)
    }
    const through = this.of.fold.end
    const keys = room.chunkKeys()
    for (const { chunk, index, text } of dirty) {
      chunk.dirty = false
      chunk.through = through
      await writer.add({ key: keys[index]!, value: text, headers: writer.headers(through) })
    }
    this.of.observer.count('chunks', dirty.length)
    if (before.length === keys.length) return
    await writer.flush()
    for (const key of before) await writer.add({ key, value: null, headers: writer.headers(through) })
  }
}

function encodeDirty(room: Room): { chunk: Chunk; index: number; text: Buffer }[] {
  return room.chunks.flatMap((chunk, index) => (chunk.dirty ? [{ chunk, index, text: chunk.encode() }] : []))
}

/** Gathers records into writes, one in flight, and gives way to the process's other tasks. */
class Writer {
  private records: RecordDraft[] = []
  private bytes = 0
  private readonly slice = new Slice()

  constructor(
    private readonly of: CheckpointOptions,
    private readonly stopped: () => boolean,
  ) {}

  headers(through: number): Record<string, string> {
    return { v: recordVersion, through: String(through), owner: String(this.of.owner) }
  }

  async add(record: RecordDraft): Promise<void> {
    this.records.push(record)
    this.bytes += (record.value?.length ?? 0) + record.key!.length + 100
    if (this.bytes >= this.of.bounds.checkpointBytesMax) await this.flush()
    const turn = this.slice.yield()
    if (turn) await turn
  }

  /** Resolves when everything is acknowledged, or the checkpoint was stopped. */
  async flush(): Promise<void> {
    const records = this.records
    this.records = []
    this.bytes = 0
    const { bounds } = this.of
    let retryMs = bounds.retryMsMin
    while (records.length > 0 && !this.stopped()) {
      try {
        await this.of.log.produce(this.of.topic, this.of.fold.partition, records)
        return
      } catch (error) {
        this.of.observer.warn({ err: error }, 'a checkpoint could not be written; trying again')
        await pause(this.of.clock, retryMs)
        retryMs = Math.min(retryMs * 2, bounds.retryMsMax)
      }
    }
  }
}
