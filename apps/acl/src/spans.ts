/** One `process` span (CONSUMER) per sampled command, from its decision to the moment at which the log has it. */
import { SpanKind, trace } from '@opentelemetry/api'
import { extractTrace, injectTrace } from '@roomlog/log'
import type { Waiting } from './waiting.js'

const tracer = trace.getTracer('@roomlog/acl')

/** From here on the command's events, and what follows from them, are in the span's trace. */
export function startProcess(topic: string, partition: number, waiting: Waiting): void {
  if (waiting.span || waiting.traceparent?.endsWith('1') !== true) return
  const attributes = {
    'messaging.system': 'roomlog',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.kafka.offset': waiting.record.offset,
  }
  const parent = extractTrace(waiting.record.headers)
  const span = tracer.startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, parent)
  if (!span.isRecording()) return
  waiting.span = span
  waiting.traceparent = injectTrace({}, trace.setSpan(parent, span))['traceparent']
}

export function outcomeOf({ span }: Waiting, outcome: string): void {
  span?.setAttribute('roomlog.outcome', outcome)
}

export function endProcess(waiting: Waiting): void {
  waiting.span?.end()
  waiting.span = undefined
}
