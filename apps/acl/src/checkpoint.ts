/**
 * Writes what the fold holds to `<family>.state`, a little at a time, while the partition goes on deciding.
 *
 * Every chunk is written as it is at one instant and says so (`through`), so chunks of one checkpoint need not be of one age.
 * The head comes last, when all chunks that were dirty as it began are acknowledged: from its `through` on, a replay misses
 * nothing. It stays behind the first event whose follow-ups are not acknowledged, and behind an event that stopped its room.
 *
 * The state topic has no compare-and-append. But a write tells where it landed: if not where it was meant to, somebody else
 * wrote between (a paused former owner, or a write of ours that was given up and came late). The rooms that they wrote are
 * written again from our fold, before the next head. An owner that has met a later owner's mark writes no checkpoints.
 */
import { recordCheck } from '@roomlog/log'
import { type Head, headKey } from '@roomlog/protocol'
import { encodeCauses } from './causes.js'
import { chunkKeys, parseChunkKey } from './chunk-key.js'
import type { Fold } from './fold.js'
import type { Restored } from './restore.js'
import type { Chunk, Room } from './room.js'
import type { Site } from './site.js'
import { Writer } from './writer.js'

export interface CheckpointOptions {
  fold: Fold
  /** Offset of this owner's mark. */
  owner: number
  restored: Pick<Restored, 'end' | 'leftovers' | 'unclean'>
  /** First event whose follow-ups are not acknowledged. */
  firstOpen: () => number | undefined
}

export class Checkpoint {
  /** Milliseconds since 1970 of the last head, and the offset that it covers. */
  at: number
  through: number
  /** After one that failed. */
  private notBefore = 0
  private stopped = false
  private running?: Promise<void>
  private readonly leftovers: string[]
  private readonly dirty: Set<Room>
  private readonly writer: Writer

  constructor(
    private readonly site: Site,
    private readonly of: CheckpointOptions,
  ) {
    this.leftovers = [...of.restored.leftovers]
    this.dirty = new Set(of.restored.unclean)
    this.writer = new Writer(site, of.fold, of.owner, of.restored, () => this.stopped)
    this.at = site.clock.now()
    this.through = of.fold.end
  }

  get due(): boolean {
    const { fold, owner } = this.of
    const { clock, bounds } = this.site
    if (this.running || this.stopped || clock.now() < this.notBefore || fold.owner > owner || fold.end === this.through) return false
    return fold.end - this.through >= bounds.checkpointEventsMax || clock.now() - this.at >= bounds.checkpointMsMax
  }

  /** A later owner came, and went: only a take-over of our own brings checkpoints back. */
  get overdue(): boolean {
    const { fold, owner } = this.of
    const { clock, bounds } = this.site
    return (
      fold.owner > owner &&
      fold.end - this.through >= bounds.checkpointEventsMax &&
      clock.now() - this.at >= bounds.checkpointMsMax * overdueFactor
    )
  }

  /** One checkpoint at a time; a second call joins the running one. Never throws: what fails is tried again, or left to the next. */
  write(): Promise<void> {
    this.running ??= this.run()
      .catch((error: Error) => this.failed(error))
      .finally(() => (this.running = undefined))
    return this.running
  }

  /** Ends the running checkpoint where it stands, at its next write: without its head it is only a few newer chunks. */
  stop(): void {
    this.stopped = true
  }

  private failed(error: Error): void {
    if (this.stopped) return
    // Nobody knows which of their chunks were written.
    for (const room of this.dirty) for (const chunk of room.chunks) chunk.dirty = true
    this.notBefore = this.site.clock.now() + this.site.bounds.retryMsMax
    this.site.observer.error({ ...this.site.place, err: error }, 'checkpoint failed')
  }

  private async run(): Promise<void> {
    const { fold } = this.of
    const { clock, observer } = this.site
    const { writer } = this
    const began = clock.now()
    const head = this.head()
    for (const room of fold.dirty) this.dirty.add(room)
    fold.dirty = new Set()
    for (const room of this.dirty) await this.writeRoom(room)
    await this.writeAgain()
    await this.remove(this.leftovers)
    await this.writeAgain()
    this.dirty.clear()
    this.leftovers.length = 0
    head.stands = writer.end
    await writer.add({ key: headKey, value: JSON.stringify(head), headers: writer.headers(head.through) })
    await writer.flush()
    this.at = clock.now()
    this.through = head.through
    observer.count('checkpoints')
    observer.time('checkpoint', this.at - began)
  }

  /** As the fold stands now; written when every chunk that is dirty now is acknowledged. */
  private head(): Head {
    const { fold, firstOpen } = this.of
    let through = Math.min(fold.end, firstOpen() ?? fold.end)
    for (const room of fold.stopped) through = Math.min(through, room.stoppedAt!)
    return {
      through,
      last: fold.last && { offset: fold.last.offset, check: recordCheck(fold.last.value) },
      cmd: fold.cmd,
      parked: [...fold.parked],
      causes: encodeCauses(fold.causes),
      incarnation: fold.incarnation,
      stands: 0,
      at: this.site.clock.now(),
    }
  }

  /** What somebody else wrote between our writes. */
  private async writeAgain(): Promise<void> {
    await this.writer.flush()
    for (let keys = await this.writer.strangers(); keys.length > 0; keys = await this.writer.strangers()) {
      this.site.observer.count('strangeChunks', keys.length)
      for (const key of keys) await this.rewrite(key)
      await this.writer.flush()
      const isOurs = (key: string) => this.of.fold.rooms.get(parseChunkKey(key).room)?.stored.keys.includes(key)
      await this.remove(keys.filter((key) => !isOurs(key)))
    }
  }

  private async rewrite(key: string): Promise<void> {
    const room = this.of.fold.rooms.get(parseChunkKey(key).room)
    if (!room) return
    const index = room.stored.keys.indexOf(key)
    if (index >= 0 && room.stored.owner === this.of.owner) room.chunks[index]!.dirty = true
    await this.writeRoom(room)
  }

  private async remove(keys: readonly string[]): Promise<void> {
    await this.writer.flush()
    for (const key of keys) await this.writer.add({ key, value: null, headers: this.writer.headers(this.of.fold.end) })
    await this.writer.flush()
  }

  private async writeRoom(room: Room): Promise<void> {
    const { fold, owner } = this.of
    const { bounds, observer } = this.site
    if (room.stoppedAt !== undefined) return
    const before = room.stored
    if (before.owner !== owner) for (const chunk of room.chunks) chunk.dirty = true
    let dirty = encodeDirty(room)
    while (
      dirty.some(({ chunk, text }) => text.length > bounds.chunkBytesMax && chunk.entries().size > 1) &&
      room.chunks.length < bounds.chunksMax
    ) {
      room.double()
      observer.count('chunksDoubled')
      dirty = encodeDirty(room)
    }
    // All before the first await: what changes a chunk from here on makes it dirty again.
    const through = fold.end
    for (const { chunk } of dirty) chunk.written(through)
    const isNewSet = before.owner !== owner || before.keys.length !== room.chunks.length
    if (isNewSet) room.stored = { owner, keys: chunkKeys(room.name, room.chunks.length, owner) }
    const { keys } = room.stored
    for (const { index, text } of dirty) await this.writer.add({ key: keys[index]!, value: text, headers: this.writer.headers(through) })
    observer.count('chunks', dirty.length)
    if (isNewSet && before.keys.length > 0) this.leftovers.push(...before.keys)
  }
}

/** Checkpoints that are missed before an owner that is not the last one begins anew. */
const overdueFactor = 5

function encodeDirty(room: Room): { chunk: Chunk; index: number; text: Buffer }[] {
  return room.chunks.flatMap((chunk, index) => (chunk.dirty ? [{ chunk, index, text: chunk.encode() }] : []))
}
