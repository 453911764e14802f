/**
 * One batch of one partition on its way into the database: decoded, checked, and nothing else done to it.
 */
import assert from 'node:assert/strict'
import type { RoomEvent } from '@roomlog/domain'
import { type Batch, type EventPlace, incarnationOf, parseEventId } from '@roomlog/log'
import { decodeRecord } from '@roomlog/protocol'
import { Contradiction } from './contradiction.js'

export interface ArchivedEvent {
  event: RoomEvent
  place: EventPlace
  /** The record's value as it stands in the log. */
  value: string
}

export interface Slice {
  topic: string
  partition: number
  /** Offset that the batch was read from: what the checkpoint must say for the slice to count. */
  from: number
  /** What the checkpoint says afterwards. */
  next: number
  events: ArchivedEvent[]
  /** The incarnation that the last of the batch's incarnation marks names. */
  incarnation?: string
}

/** @throws Contradiction for a record that has a `seq` and is no event, or does not stand where its ID says: the partition stops there. */
export function sliceOf(from: number, batch: Batch): Slice {
  try {
    return decode(from, batch)
  } catch (cause) {
    throw new Contradiction((cause as Error).message, { cause })
  }
}

function decode(from: number, batch: Batch): Slice {
  const { topic, partition, next } = batch
  const slice: Slice = { topic, partition, from, next, events: [] }
  for (const record of batch.records) {
    if (record.headers['seq'] === undefined) {
      slice.incarnation = incarnationOf(record) ?? slice.incarnation
      continue
    }
    const event = decodeRecord(record)
    const place = parseEventId(event.id)
    assert(
      place?.partition === partition && place.offset === record.offset,
      `${topic}/${partition}: event ${event.id} stands at offset ${record.offset}`,
    )
    assert(
      record.key === event.room && record.headers['seq'] === String(event.seq),
      `${topic}/${partition}:${record.offset}: headers and value disagree`,
    )
    slice.events.push({ event, place, value: record.value!.toString() })
  }
  return slice
}
