/**
 * One event as the edge holds it: routing facts from the record's headers, the value as bytes, never parsed.
 */
import { type LogRecord, position } from '@roomlog/log'
import { decodeEvent, deletionOf, type EventsPage, tombstone } from '@roomlog/protocol'
import type { Frame } from './frame.js'

/** The partition that a record stands in. Its epoch is the present one: positions of an older one are of no use. */
export interface RecordSource {
  readonly partition: number
  readonly epoch: string
}

export class RoomRecord {
  /** Built by the first subscriber whose `after` is the event before; dropped with the record. */
  shared: Frame | undefined

  constructor(
    readonly room: string,
    readonly offset: number,
    readonly seq: number,
    readonly type: string,
    readonly key: string | undefined,
    readonly sender: string,
    readonly follows: string | undefined,
    readonly erases: number | undefined,
    readonly device: string | undefined,
    /** JSON of the domain's `Action`. */
    readonly action: string | undefined,
    /** The event as clients receive it. Replaced, once, by its tombstone. */
    public value: Buffer,
    private readonly source: RecordSource,
  ) {}

  /** Undefined for the log's own records. */
  static of(record: LogRecord, source: RecordSource): RoomRecord | undefined {
    const { headers } = record
    if (headers.seq === undefined || record.key === null || record.value === null) return undefined
    return new RoomRecord(
      record.key,
      record.offset,
      Number(headers.seq),
      headers.type ?? '',
      headers.key,
      headers.sender ?? '',
      headers.follows,
      headers.erases === undefined ? undefined : Number(headers.erases),
      headers.device,
      headers.action,
      record.value,
      source,
    )
  }

  /** The check in the event's ID, cut from the bytes: the value begins with `{"id":"<partition>-<offset>-<check>"`. */
  get check(): string {
    const end = this.value.indexOf(quote, idStart)
    return this.value.toString('latin1', end - checkLength, end)
  }

  get position(): string {
    return position({ epoch: this.source.epoch, partition: this.source.partition, offset: this.offset, seq: this.seq, check: this.check })
  }

  get isState(): boolean {
    return this.key !== undefined
  }

  /** `actionId` for the device that sent the event. */
  get actionId(): number | undefined {
    return this.action === undefined ? undefined : (JSON.parse(this.action) as { id: number }).id
  }

  /** What the record costs while it is kept. */
  get bytes(): number {
    return this.value.length + overheadBytes
  }

  erase(tombstone: Buffer): void {
    this.value = tombstone
    this.shared = undefined
  }
}

/** An event of persistence as a record. */
export function storedRecord(room: string, row: EventsPage['events'][number], source: RecordSource): RoomRecord {
  const { offset, seq, type, key, sender, follows, device, action, bytes } = row
  return new RoomRecord(room, offset, seq, type, key, sender, follows, undefined, device, action, Buffer.from(bytes), source)
}

/** The bytes that remain of `erased` after `deletion`. */
export function tombstoneOf(erased: RoomRecord, deletion: RoomRecord): Buffer {
  return Buffer.from(tombstone(erased.value, deletionOf(decodeEvent(deletion.value))))
}

const idStart = '{"id":"'.length
const quote = 0x22
const checkLength = 8
/** Measured: object, strings of room, sender and type, two array slots. */
const overheadBytes = 320
