/**
 * What is the same in every implementation: how a draft becomes a record, and which records a reader gets.
 *
 * Damage is looked for before voidness: a record whose header `offset` was damaged must stop its partition, not be
 * passed over as void.
 */
import type { Headers } from '@roomlog/protocol'
import { bounds } from './bounds.js'
import { checksum } from './checksum.js'
import { RoomlogError } from './failure.js'
import type { LogRecord, RecordDraft } from './port.js'

/** A draft with its checksum (and its meant offset): what is stored. */
export interface Sealed {
  key: string | null
  value: Buffer | null
  headers: Headers
}

/** Gives `sum`, and `offset` where the record is meant to stand at one. */
export function seal(draft: RecordDraft, offset?: number): Sealed {
  const value = typeof draft.value === 'string' ? Buffer.from(draft.value) : draft.value
  const headers: Record<string, string> = { ...draft.headers }
  if (offset !== undefined) headers['offset'] = String(offset)
  else if ('offset' in headers) delete headers['offset']
  headers['sum'] = checksum(draft.key, draft.value, headers)
  return { key: draft.key, value, headers }
}

/** Seals the batch of one append. @throws RoomlogError `invalid` beyond the bounds of one batch, or when it is empty. */
export function sealAppend(topic: string, expectedEnd: number, drafts: readonly RecordDraft[]): Sealed[] {
  const sealed = drafts.map((draft, index) => seal(draft, expectedEnd + index))
  const bytes = sealed.reduce((sum, record) => sum + bytesOf(record), 0)
  if (sealed.length === 0 || sealed.length > bounds.appendRecordsMax || bytes > bounds.appendBytesMax) {
    throw new RoomlogError(
      'invalid',
      `append of ${sealed.length} records, ${bytes} bytes to ${topic}: 1 to ${bounds.appendRecordsMax} records and ${bounds.appendBytesMax} bytes are taken`,
    )
  }
  return sealed
}

export function bytesOf(record: Sealed): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const name in record.headers) bytes += name.length + record.headers[name]!.length
  return bytes
}

export interface Sifted {
  records: LogRecord[]
  voids: number
  /** The first damaged record; nothing from it on is in `records`. */
  damaged?: number
}

/** Leaves out what is void (append topics only) and stops before the first damaged record. `records` ascend. */
export function sift(append: boolean, records: readonly LogRecord[]): Sifted {
  const sifted: Sifted = { records: [], voids: 0 }
  for (const record of records) {
    const sum = record.headers['sum']
    const stands = !append || record.headers['offset'] === String(record.offset)
    if (sum === undefined ? append && stands : sum !== checksum(record.key, record.value, record.headers)) {
      return { ...sifted, damaged: record.offset }
    }
    if (stands) sifted.records.push(record)
    else sifted.voids++
  }
  return sifted
}

export function damaged(topic: string, partition: number, offset: number): RoomlogError {
  return new RoomlogError('damaged', `${topic}/${partition}: the record at offset ${offset} does not match its checksum`)
}
