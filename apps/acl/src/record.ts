/** Records of `room.events` and `user.events` as the authority drafts them. */
import type { RoomEvent } from '@roomlog/domain'
import type { LogRecord, RecordDraft } from '@roomlog/log'
import { encodeEvent, type Mark, recordVersion } from '@roomlog/protocol'

/** `cmd` is still missing: it is known when the batch is complete. */
export type Draft = RecordDraft & { headers: Record<string, string> }

export function recordOf(event: RoomEvent, traceparent: string | undefined): Draft {
  const headers: Record<string, string> = { v: recordVersion, seq: String(event.seq), type: event.type, sender: event.sender.id }
  if (event.key !== undefined) headers['key'] = event.key
  if (event.follows !== undefined) headers['follows'] = event.follows
  if (event.erases !== undefined) headers['erases'] = String(event.erases)
  if (event.pacedUntil !== undefined) headers['paced'] = String(event.pacedUntil)
  if (event.device !== undefined) headers['device'] = event.device
  if (event.action !== undefined) headers['action'] = JSON.stringify(event.action)
  if (event.origin !== undefined) headers['origin'] = event.origin
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  return { key: event.room, value: encodeEvent(event), headers }
}

/** An estimate that is never below the log's own count. */
export function sizeOf(record: Draft): number {
  let bytes = Buffer.byteLength(record.value as string) + record.key!.length * 3 + 300
  for (const name in record.headers) bytes += record.headers[name]!.length * 3
  return bytes
}

export function markRecord(mark: Mark): Draft {
  return { key: null, value: JSON.stringify(mark), headers: { v: recordVersion } }
}

/**
 * Whether what stands in the log is this draft: then it does not matter who wrote it, the answers are the same.
 * Every header counts, also one that only the other has: a mark that parks a command is not one that refuses it.
 */
export function isSame(record: LogRecord | undefined, draft: RecordDraft, offset: number): boolean {
  if (record?.offset !== offset || record.value?.toString() !== draft.value) return false
  const names = new Set([...Object.keys(record.headers), ...Object.keys(draft.headers!)])
  for (const name of givenByLog) names.delete(name)
  for (const name of names) if (record.headers[name] !== draft.headers![name]) return false
  return true
}

/** `traceparent` is that of the log's own span. */
const givenByLog = ['offset', 'sum', 'traceparent']
