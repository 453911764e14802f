/**
 * Spans at the log port, by hand: `send` (PRODUCER) for each record written, made by the log itself, and `process`
 * (CONSUMER) around what a record causes, made by its reader. The context travels in the record's header `traceparent`
 * (W3C). Without a tracer, and for traces that are not sampled, this is the comparison of a string.
 */
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Headers } from '@roomlog/protocol'
import type { LogRecord, RecordDraft } from './port.js'

const tracer = trace.getTracer('@roomlog/log')
/** Links of one span, so that a large batch does not become a larger span. */
const linksMax = 32
const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** The headers with the context's `traceparent`; as they are where it has none. */
export function injectTrace(headers: Headers = {}, from: Context = context.active()): Headers {
  const sent = trace.getSpanContext(from)
  return sent && isSpanContextValid(sent) ? { ...headers, traceparent: traceparentOf(sent) } : headers
}

/** The context that the headers carry; `within` where they carry none that is well formed. */
export function extractTrace(headers: Headers, within: Context = context.active()): Context {
  const remote = spanContextOf(headers['traceparent'])
  return remote ? trace.setSpanContext(within, remote) : within
}

export interface Sending {
  drafts: readonly RecordDraft[]
  end(error?: unknown): void
}

/** A `send` span for each record of a sampled trace, which the record then carries on. Call `end` when it is written. */
export function traceSending(topic: string, partition: number, drafts: readonly RecordDraft[]): Sending {
  if (!drafts.some(isSampled)) return { drafts, end: nothing }
  const spans: Span[] = []
  const attributes = messaging(topic, partition, 'send')
  const traced = drafts.map((draft) => {
    if (!isSampled(draft)) return draft
    const span = tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, extractTrace(draft.headers!))
    if (!span.isRecording()) return draft
    spans.push(span)
    return { ...draft, headers: { ...draft.headers, traceparent: traceparentOf(span.spanContext()) } }
  })
  const end = (error?: unknown) => {
    for (const span of spans) {
      if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
      span.end()
    }
  }
  return { drafts: traced, end }
}

/** `write` under the `send` spans of what it writes. */
export async function traced<T>(
  topic: string,
  partition: number,
  drafts: readonly RecordDraft[],
  write: (drafts: readonly RecordDraft[]) => Promise<T>,
): Promise<T> {
  const sending = traceSending(topic, partition, drafts)
  try {
    const written = await write(sending.drafts)
    sending.end()
    return written
  } catch (error) {
    sending.end(error)
    throw error
  }
}

/** A `process` span around `work`, in the record's own trace. */
export function traceProcess<T>(topic: string, partition: number, record: LogRecord, work: (span: Span) => T | Promise<T>): Promise<T> {
  const attributes = { ...messaging(topic, partition, 'process'), 'messaging.kafka.offset': record.offset }
  const options = { kind: SpanKind.CONSUMER, attributes }
  return tracer.startActiveSpan(`process ${topic}`, options, extractTrace(record.headers), (span) => ending(span, work))
}

/** A `process` span around what several records cause together, linked to the traces of the sampled ones. */
export function traceProcessBatch<T>(
  topic: string,
  partition: number,
  records: readonly LogRecord[],
  work: (span: Span) => T | Promise<T>,
): Promise<T> {
  const attributes = { ...messaging(topic, partition, 'process'), 'messaging.batch.message_count': records.length }
  const links: Link[] = records
    .filter(isSampled)
    .slice(0, linksMax)
    .map(({ headers }) => ({ context: spanContextOf(headers['traceparent'])! }))
  return tracer.startActiveSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes, links }, (span) => ending(span, work))
}

function isSampled({ headers }: { headers?: Headers }): boolean {
  const traceparent = headers?.['traceparent']
  return traceparent?.endsWith('1') === true && spanContextOf(traceparent) !== undefined
}

function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const match = traceparent === undefined ? null : form.exec(traceparent)
  if (!match) return undefined
  const found = { traceId: match[1]!, spanId: match[2]!, traceFlags: Number.parseInt(match[3]!, 16), isRemote: true }
  return isSpanContextValid(found) ? found : undefined
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** Names of OpenTelemetry's semantic conventions for messaging. */
function messaging(topic: string, partition: number, operation: 'send' | 'process'): Attributes {
  return {
    'messaging.system': 'roomlog',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
  }
}

async function ending<T>(span: Span, work: (span: Span) => T | Promise<T>): Promise<T> {
  try {
    return await work(span)
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
    throw error
  } finally {
    span.end()
  }
}

function nothing(): void {}
