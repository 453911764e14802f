/**
 * Records as LMDB keeps them. Key: topic number (2 bytes), partition (4), offset (8), big-endian, so that LMDB's order is
 * the log's. Value: time (float64), what is there (1 byte: key, value), length of the key (4), of the headers (4), then
 * key, headers as JSON, value.
 */
import type { Headers } from '@roomlog/protocol'
import type { LogRecord } from '../port.js'

const hasKey = 1
const hasValue = 2
const head = 17

export function placeOf(topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(14)
  key.writeUInt16BE(topic, 0)
  key.writeUInt32BE(partition, 2)
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 6)
  key.writeUInt32BE(offset >>> 0, 10)
  return key
}

export function offsetOf(place: Buffer): number {
  return place.readUInt32BE(6) * 2 ** 32 + place.readUInt32BE(10)
}

export function encode(record: LogRecord): Buffer {
  const headers = JSON.stringify(record.headers)
  const keyBytes = record.key === null ? 0 : Buffer.byteLength(record.key)
  const headerBytes = Buffer.byteLength(headers)
  const bytes = Buffer.allocUnsafe(head + keyBytes + headerBytes + (record.value?.length ?? 0))
  bytes.writeDoubleBE(record.time, 0)
  bytes.writeUInt8((record.key === null ? 0 : hasKey) | (record.value === null ? 0 : hasValue), 8)
  bytes.writeUInt32BE(keyBytes, 9)
  bytes.writeUInt32BE(headerBytes, 13)
  if (record.key !== null) bytes.write(record.key, head)
  bytes.write(headers, head + keyBytes)
  record.value?.copy(bytes, head + keyBytes + headerBytes)
  return bytes
}

/** @throws where the bytes are not those of a record. */
export function decode(offset: number, bytes: Buffer): LogRecord {
  const there = bytes.readUInt8(8)
  const headersAt = head + bytes.readUInt32BE(9)
  const valueAt = headersAt + bytes.readUInt32BE(13)
  return {
    offset,
    key: there & hasKey ? bytes.toString('utf8', head, headersAt) : null,
    value: there & hasValue ? bytes.subarray(valueAt) : null,
    headers: JSON.parse(bytes.toString('utf8', headersAt, valueAt)) as Headers,
    time: bytes.readDoubleBE(0),
  }
}

/** Key and time alone, for what cleans up. */
export function outline(bytes: Buffer): { key: string | null; time: number; tombstone: boolean; bytes: number } {
  const there = bytes.readUInt8(8)
  const key = there & hasKey ? bytes.toString('utf8', head, head + bytes.readUInt32BE(9)) : null
  return { key, time: bytes.readDoubleBE(0), tombstone: !(there & hasValue), bytes: bytes.length }
}
