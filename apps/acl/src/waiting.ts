import type { Span } from '@opentelemetry/api'
import type { Command, References } from '@roomlog/domain'
import type { LogRecord } from '@roomlog/log'
import { type Cause, type CommandHeaders, decodeCommand } from '@roomlog/protocol'
import type { Resolved } from './references.js'

/** A command that was read from the log and is not decided (or is decided in a batch that the log has not taken). */
export interface Waiting {
  record: LogRecord
  /** Absent where the record is no command. */
  command?: Command
  invalid?: string
  cause?: Cause
  /** Header `reply`: where the answer goes. */
  reply?: string
  traceparent?: string
  span?: Span
  /** The events that it refers to, asked for as soon as it is read. */
  references: Resolved | Promise<Resolved>
}

export const noReferences: References = new Map()

export function waitingOf(record: LogRecord): Waiting {
  const headers = record.headers as unknown as CommandHeaders
  const waiting: Waiting = { record, reply: headers.reply, traceparent: headers.traceparent, references: noReferences }
  try {
    waiting.command = decodeCommand(record)
    if (headers.cause !== undefined) waiting.cause = JSON.parse(headers.cause) as Cause
  } catch (error) {
    waiting.invalid = (error as Error).message
  }
  return waiting
}
