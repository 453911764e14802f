/**
 * Topics in one LMDB file. Records of append topics are seen only when they are on disk; those of the other topics are
 * seen at once, by readers that live and die with this process, and acknowledged when they are on disk. So one commit
 * covers a command and the events decided from it.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TopicSpec } from '@roomlog/protocol'
import { open, type RootDatabase } from 'lmdb'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { Store, StoredTopic } from '../local/store.js'
import type { LogRecord } from '../port.js'
import { bytesOf, damaged, type Sealed } from '../record.js'
import { Cleaner } from './cleaner.js'
import { decode, encode, offsetOf, placeOf } from './codec.js'
import { lockDirectory } from './lock.js'
import { Recent, RecentBudget, recentBytesMax } from './recent.js'
import { Room } from './room.js'
import { gatherMs, passingMs, Rounds } from './rounds.js'
import { syncDirectory } from './sync-directory.js'

export interface FilePartition {
  start: number
  /** End of what is on disk. */
  saved: number
  /** End of what was taken. */
  taken: number
  recent: Recent
}

export interface FileTopic extends StoredTopic {
  number: number
  at: FilePartition[]
}

/** Virtual address space, not disk: the file grows as it is written. */
const mapBytes = 2 ** 38
const topicsKey = Buffer.from('topics')
const startsKey = (number: number, partition: number) => Buffer.from(`start/${number}/${partition}`)

export class FileStore implements Store {
  visible: (topic: string, partition: number) => void = () => {}
  private readonly known = new Map<string, FileTopic>()
  private readonly rounds: Rounds
  private readonly cleaner: Cleaner

  private constructor(
    private readonly root: RootDatabase<Buffer, Buffer>,
    private readonly records: RootDatabase<Buffer, Buffer>,
    private readonly unlock: () => void,
    private readonly now: () => number,
    directory: string,
    onFailure: (error: Error) => void,
    private readonly recent: RecentBudget,
  ) {
    this.rounds = new Rounds(records, new Room(directory), onFailure)
    this.cleaner = new Cleaner(this, now, onFailure)
  }

  /** @throws RoomlogError `unavailable` where another process has the directory. */
  static async open(
    directory: string,
    now: () => number,
    onFailure: (error: Error) => void,
    recentMax: number = recentBytesMax,
  ): Promise<FileStore> {
    const unlock = await lockDirectory(directory)
    try {
      const options = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const
      const root = open<Buffer, Buffer>({
        path: join(directory, 'log.mdb'),
        mapSize: mapBytes,
        maxDbs: 4,
        overlappingSync: false,
        ...options,
      })
      const records = root.openDB<Buffer, Buffer>('records', options) as RootDatabase<Buffer, Buffer>
      syncDirectory(directory)
      const store = new FileStore(root, records, unlock, now, directory, onFailure, new RecentBudget(recentMax))
      store.load()
      store.cleaner.start()
      return store
    } catch (error) {
      unlock()
      throw error
    }
  }

  topics(): Iterable<FileTopic> {
    return this.known.values()
  }

  topic(name: string): FileTopic | undefined {
    return this.known.get(name)
  }

  async create(spec: TopicSpec, partitions: number): Promise<void> {
    const topic: FileTopic = { id: randomUUID(), spec, partitions, number: this.known.size, at: this.emptyPartitions(partitions) }
    this.known.set(spec.name, topic)
    await this.root.put(topicsKey, Buffer.from(JSON.stringify([...this.known.values()].map(({ at: _, ...stored }) => stored))))
  }

  write(topic: StoredTopic, partition: number, records: readonly Sealed[], expectedEnd?: number): Promise<number | undefined> {
    const { number, at, spec } = topic as FileTopic
    const place = at[partition]!
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0)
    if (this.rounds.failure) return Promise.reject(this.rounds.failure)
    if (this.rounds.waitingBytes + bytes > bounds.produceBytesMax)
      return Promise.reject(new RoomlogError('unavailable', `more than ${bounds.produceBytesMax} bytes wait to be written`))
    return new Promise((resolve, reject) => {
      const kept = expectedEnd === undefined
      // A conflict is told after what stands there is on disk, so that who reads on finds it.
      if (!kept && expectedEnd !== place.taken)
        return this.rounds.add({ puts: [], bytes: 0, kept: false, waitMs: 0, saved: () => resolve(undefined), failed: reject })
      const base = place.taken
      const time = this.now()
      const stored = records.map((record, index): LogRecord => ({ offset: base + index, ...record, time }))
      place.taken += stored.length
      place.recent.add(stored, bytes)
      this.rounds.add({
        puts: stored.map((record) => [placeOf(number, partition, record.offset), encode(record)]),
        bytes,
        kept,
        waitMs: kept ? (spec.durable ? gatherMs : passingMs) : 0,
        saved: () => {
          place.saved = base + stored.length
          this.recent.trim()
          if (!kept) this.visible(spec.name, partition)
          resolve(base)
        },
        failed: (error) => {
          if (!kept) {
            place.taken = place.saved
            place.recent.undo(place.taken)
          }
          reject(error)
        },
      })
      if (kept) this.visible(spec.name, partition)
      if (!spec.durable) resolve(base)
    })
  }

  read(topic: StoredTopic, partition: number, from: number, bytesMax: number): { records: LogRecord[]; next: number; given?: true } {
    const { number, at, spec } = topic as FileTopic
    const { saved, taken, recent } = at[partition]!
    const given = recent.read(from, spec.append ? saved : taken, bytesMax)
    if (given) return { ...given, given: true }
    const records: LogRecord[] = []
    let bytes = 0
    for (const { key, value } of this.saved(number, partition, from, saved)) {
      if (bytes >= bytesMax) return { records, next: records.at(-1)!.offset + 1 }
      records.push(decodeOrStop(spec.name, partition, offsetOf(key), value))
      bytes += value.length
    }
    return { records, next: saved }
  }

  range(topic: StoredTopic, partition: number): { start: number; end: number } {
    const { start, saved, taken } = (topic as FileTopic).at[partition]!
    return { start, end: topic.spec.append ? saved : taken }
  }

  /** What is on disk of a partition, ascending from `from`. Copies: valid for as long as one likes. */
  *stored(topic: FileTopic, partition: number, from: number): Iterable<{ offset: number; value: Buffer }> {
    for (const { key, value } of this.saved(topic.number, partition, from, topic.at[partition]!.saved))
      yield { offset: offsetOf(key), value }
  }

  /** Removes records for good; `start` moves the partition's start with it. */
  remove(topic: FileTopic, partition: number, offsets: readonly number[], start?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.rounds.add({
        puts: start === undefined ? [] : [[startsKey(topic.number, partition), Buffer.from(String(start))]],
        removes: offsets.map((offset) => placeOf(topic.number, partition, offset)),
        bytes: 0,
        kept: false,
        waitMs: gatherMs,
        saved: () => {
          topic.at[partition]!.recent.forget()
          if (start !== undefined) topic.at[partition]!.start = start
          resolve()
        },
        failed: reject,
      })
    })
  }

  trim(topic: StoredTopic, partition: number, before: number): Promise<void> {
    return this.cleaner.trim(topic as FileTopic, partition, before)
  }

  /** Forgets now what may be forgotten; happens by itself in the background. */
  clean(): Promise<void> {
    return this.cleaner.clean()
  }

  async close(): Promise<void> {
    this.cleaner.stop()
    await this.rounds.close()
    await this.root.close()
    this.unlock()
  }

  private load(): void {
    const stored = JSON.parse(this.root.get(topicsKey)?.toString() ?? '[]') as Omit<FileTopic, 'at'>[]
    for (const topic of stored) {
      const at = this.emptyPartitions(topic.partitions)
      at.forEach((place, partition) => {
        place.start = Number(this.records.get(startsKey(topic.number, partition))?.toString() ?? 0)
        const last = [
          ...this.records.getKeys({
            start: placeOf(topic.number, partition, Number.MAX_SAFE_INTEGER),
            end: placeOf(topic.number, partition, 0),
            reverse: true,
            limit: 1,
            inclusiveEnd: true,
          }),
        ][0]
        place.saved = place.taken = Math.max(place.start, last ? offsetOf(last) + 1 : 0)
      })
      this.known.set(topic.spec.name, { ...topic, at })
    }
  }

  private emptyPartitions(partitions: number): FilePartition[] {
    return Array.from({ length: partitions }, () => {
      const place: FilePartition = { start: 0, saved: 0, taken: 0, recent: new Recent(this.recent, () => place.saved) }
      return place
    })
  }

  private saved(number: number, partition: number, from: number, to: number): Iterable<{ key: Buffer; value: Buffer }> {
    if (from >= to) return []
    return this.records.getRange({ start: placeOf(number, partition, from), end: placeOf(number, partition, to) })
  }
}

function decodeOrStop(topic: string, partition: number, offset: number, bytes: Buffer): LogRecord {
  try {
    return decode(offset, bytes)
  } catch {
    throw damaged(topic, partition, offset)
  }
}
