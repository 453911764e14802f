/**
 * Reads of the log that several subscriptions share. A chunk covers the offsets from one multiple of `chunkOffsets` to
 * the next, so that clients which resume near each other read the same ones; what is kept is bounded in bytes.
 */
import type { LogRecord } from '@roomlog/log'
import type { Feed } from './feed.js'
import type { EventLog } from './ports.js'

export interface Chunk {
  /** Ascending; may begin below the offset that was asked for. */
  records: LogRecord[]
  /** Offset to read next. */
  next: number
}

export class Chunks {
  bytes = 0
  private readonly kept = new Map<string, { chunk: Chunk; bytes: number }>()
  private readonly running = new Map<string, Promise<Chunk>>()

  constructor(
    private readonly log: EventLog,
    private readonly bytesMax: number,
  ) {}

  /** Records from `offset` on, at most to the end of its chunk. @throws RoomlogError `out_of_range` beyond the log. */
  async read(feed: Feed, offset: number): Promise<Chunk> {
    const first = offset - (offset % chunkOffsets)
    const id = `${feed.topic}/${feed.partition}/${feed.epoch}/${first}`
    const kept = this.kept.get(id)
    if (kept) {
      this.kept.delete(id)
      this.kept.set(id, kept)
      return kept.chunk
    }
    const running = this.running.get(id)
    // One that is being read may end below the offset; then it is read anew.
    const chunk = await (running ?? this.start(id, feed, first, offset))
    return chunk.next > offset ? chunk : this.fetch(feed, offset, first + chunkOffsets)
  }

  /** As `read`; undefined where the log was trimmed beyond the offset: persistence has what stood there. */
  async readKept(feed: Feed, offset: number): Promise<Chunk | undefined> {
    try {
      return await this.read(feed, offset)
    } catch (error) {
      if ((error as { code?: string }).code !== 'out_of_range') throw error
      const { start } = await this.log.range(feed.topic, feed.partition)
      if (offset >= start) throw error
      return undefined
    }
  }

  private start(id: string, feed: Feed, first: number, offset: number): Promise<Chunk> {
    const reading = this.fetchWhole(id, feed, first, offset).finally(() => this.running.delete(id))
    this.running.set(id, reading)
    return reading
  }

  private async fetchWhole(id: string, feed: Feed, first: number, offset: number): Promise<Chunk> {
    const { start } = await this.log.range(feed.topic, feed.partition)
    const until = first + chunkOffsets
    const chunk = await this.fetch(feed, Math.max(first, Math.min(start, offset)), until)
    if (chunk.next >= until) this.keep(id, chunk)
    return chunk
  }

  private async fetch(feed: Feed, from: number, until: number): Promise<Chunk> {
    const records: LogRecord[] = []
    let next = from
    while (next < until) {
      const batch = await this.log.read(feed.topic, feed.partition, next, { bytesMax: readBytes })
      for (const record of batch.records) if (record.offset < until) records.push(record)
      if (batch.next <= next) break
      next = Math.min(batch.next, until)
      if (batch.next >= batch.end) break
    }
    return { records, next }
  }

  private keep(id: string, chunk: Chunk): void {
    const bytes = chunk.records.reduce((sum, record) => sum + (record.value?.length ?? 0) + recordOverheadBytes, 0)
    this.kept.set(id, { chunk, bytes })
    this.bytes += bytes
    for (const [oldest, entry] of this.kept) {
      if (this.bytes <= this.bytesMax) break
      this.kept.delete(oldest)
      this.bytes -= entry.bytes
    }
  }
}

const chunkOffsets = 1_024
const readBytes = 512 * 1024
const recordOverheadBytes = 500
