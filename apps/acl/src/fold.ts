/**
 * What the log of one partition says: its rooms, and how far its commands and causes are decided. Only valid records
 * change it, in the order of the log, whoever wrote them; so two owners of one partition have equal folds at equal offsets.
 */

import type { RoomEvent } from '@roomlog/domain'
import { epochOf, type LogRecord } from '@roomlog/log'
import { decodeRecord, type EventHeaders, type Mark } from '@roomlog/protocol'
import { type CausePlace, laterCause, parseCauses } from './causes.js'
import type { Restored } from './restore.js'
import { Room } from './room.js'
import type { Site } from './site.js'
import { Slice } from './slice.js'
import { decodeThen, type Then, thensOf } from './then.js'

/** Told, in order, what valid records cause elsewhere. */
export interface FoldListener {
  followUps(offset: number, then: Then[], incarnation: string): void
  /** `evolve` threw: the room is stopped. */
  stopped(offset: number, error: Error): void
}

export class Fold {
  rooms = new Map<string, Room>()
  /** Rooms that a checkpoint must write. */
  dirty = new Set<Room>()
  /** Rooms on whose events `evolve` threw. */
  readonly stopped = new Set<Room>()
  /** Offset to read next: the log's end, as far as it is known. */
  end = 0
  /** Offset of the last command that is decided; -1 = none. */
  cmd = -1
  /** Commands up to `cmd` that wait for their `prevActionId`. */
  parked = new Set<number>()
  /** The last cause decided, per source. */
  readonly causes = new Map<string, CausePlace>()
  /** Named by the last incarnation mark. */
  incarnation = ''
  /** (topic ID, incarnation), as positions have it. */
  epoch = ''
  /** Offset of the last owner mark that was met. */
  owner = -1
  /** The last valid record: compared at take-over, so that another log is noticed. */
  last?: { offset: number; value: Buffer | string | null }
  /** Records and void records read since the beginning. */
  records = 0
  voids = 0

  private topicId = ''

  constructor(
    private readonly site: Pick<Site, 'log' | 'topics' | 'partition' | 'rules'>,
    private readonly listener: FoldListener,
  ) {}

  /** Begins with a checkpoint. */
  begin(topicId: string, { rooms, head, from }: Pick<Restored, 'rooms' | 'head' | 'from'>): void {
    this.topicId = topicId
    this.rooms = rooms
    this.end = from
    this.cmd = head.cmd
    this.parked = new Set(head.parked)
    for (const [source, place] of parseCauses(head.causes)) this.causes.set(source, place)
    this.name(head.incarnation)
  }

  /**
   * Reads to the high watermark and folds what is valid. Follow-ups of events below `followUpsFrom` are not told:
   * a former owner had them acknowledged.
   */
  async catchUp(followUpsFrom = 0): Promise<LogRecord[]> {
    const { log, topics, partition } = this.site
    const slice = new Slice()
    const read: LogRecord[] = []
    for (;;) {
      const batch = await log.read(topics.events, partition, this.end)
      for (const record of batch.records) {
        this.apply(record, followUpsFrom)
        if (read.length < keptMax) read.push(record)
        const pause = slice.yield()
        if (pause) await pause
      }
      this.voids += batch.voids
      this.end = batch.next
      if (batch.next >= batch.end) return read
    }
  }

  private apply(record: LogRecord, followUpsFrom: number): void {
    const headers = record.headers as unknown as EventHeaders
    this.records++
    this.end = record.offset + 1
    this.last = { offset: record.offset, value: record.value }
    this.cmd = Math.max(this.cmd, Number(headers.cmd))
    if (headers.parked !== undefined) this.parked = new Set(JSON.parse(headers.parked) as number[])
    if (headers.causes !== undefined) for (const [source, place] of parseCauses(JSON.parse(headers.causes))) this.decided(source, place)
    if (headers.seq === undefined) return this.applyMark(record, followUpsFrom)
    this.applyEvent(record, followUpsFrom)
  }

  decided(source: string, place: CausePlace): void {
    if (laterCause(place, this.causes.get(source))) this.causes.set(source, place)
  }

  room(name: string): Room {
    let room = this.rooms.get(name)
    if (!room) this.rooms.set(name, (room = new Room(name)))
    return room
  }

  private applyMark(record: LogRecord, followUpsFrom: number): void {
    const mark = JSON.parse(record.value!.toString()) as Mark
    if (mark.incarnation !== undefined) this.name(mark.incarnation)
    if (mark.mark === 'owner') this.owner = record.offset
    if (mark.then && record.offset >= followUpsFrom) this.listener.followUps(record.offset, mark.then.map(decodeThen), this.incarnation)
  }

  private name(incarnation: string): void {
    this.incarnation = incarnation
    this.epoch = epochOf(this.topicId, incarnation)
  }

  private applyEvent(record: LogRecord, followUpsFrom: number): void {
    const room = this.room(record.key!)
    if (room.stoppedAt !== undefined) return
    try {
      const event = decodeRecord(record)
      this.evolve(room, event, record.offset)
      if (record.offset < followUpsFrom) return
      const followUps = this.site.rules.followUps(event, room, this.epoch)
      if (followUps.length > 0) this.listener.followUps(record.offset, thensOf(followUps, record.headers['traceparent']), this.incarnation)
    } catch (error) {
      room.stoppedAt = record.offset
      this.stopped.add(room)
      this.listener.stopped(record.offset, error as Error)
    }
  }

  private evolve(room: Room, event: RoomEvent, offset: number): void {
    const { rules } = this.site
    const touched = rules.touches(event)
    const open = touched.filter((key) => !room.covers(key, offset))
    const expected = rules.nextSeq(room)
    if (open.length === touched.length && event.seq !== expected) throw new Error(`seq ${event.seq} where ${expected} is next`)
    const changed = open.map((key) => [key, rules.evolveEntry(key, room.get(key), event)] as const)
    for (const [key, entry] of changed) room.set(key, entry)
    if (changed.length > 0) this.dirty.add(room)
  }
}

/** Records of one catch-up that are given back, to find one's own batch among them: no more than one batch holds. */
const keptMax = 10_000
