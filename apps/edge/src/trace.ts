/** Spans of the edge: one for a command that came in, one for an event that goes out (never one per socket). */
import { context, isSpanContextValid, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { contextOf, traceparentOf, tracer } from '@roomlog/runtime'

/** Runs the submission of a command as the beginning of its trace; without an exporter there is none. */
export async function traceCommand<T extends { error?: unknown }>(submit: (traceparent: string | undefined) => Promise<T>): Promise<T> {
  const span = tracer().startSpan('do', { kind: SpanKind.SERVER, root: true })
  if (!isSpanContextValid(span.spanContext())) return submit(undefined)
  const active = trace.setSpan(context.active(), span)
  const outcome = await context.with(active, () => submit(traceparentOf(active)))
  if (outcome.error) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
  return outcome
}

/** The hand-over of one event to all who listen, as part of the trace that its record carries, if that is sampled. */
export function traceDelivery(feed: { topic: string; partition: number }, traceparent: string | undefined, deliver: () => void): void {
  if (!traceparent?.endsWith('-01')) return deliver()
  const attributes = {
    'messaging.system': 'roomlog',
    'messaging.destination.name': feed.topic,
    'messaging.destination.partition.id': String(feed.partition),
  }
  const span = tracer().startSpan('deliver', { kind: SpanKind.CONSUMER, attributes }, contextOf(traceparent))
  deliver()
  span.end()
}
