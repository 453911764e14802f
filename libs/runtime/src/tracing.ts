/**
 * Traces. Spans are made by hand through `@opentelemetry/api` at the log port and the doors; this file starts what exports them,
 * and carries the W3C context (`traceparent`) through record headers. Without an exporter nothing is loaded and nothing recorded,
 * but a context that came in still goes out again.
 */
import { randomBytes } from 'node:crypto'
import {
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'

export interface Tracing {
  /** Sends what waits, within the exporter's own time-out. */
  stop(): Promise<void>
}

/** Call before anything makes a span. `endpoint` as in OTEL_EXPORTER_OTLP_ENDPOINT (`/v1/traces` is added). */
export async function startTracing(options: { service: string; endpoint: string | undefined }): Promise<Tracing> {
  if (!options.endpoint) return { stop: async () => {} }
  const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const sdk = new NodeSDK({
    serviceName: options.service,
    traceExporter: new OTLPTraceExporter({ url: `${options.endpoint}/v1/traces` }),
    instrumentations: [],
  })
  sdk.start()
  return { stop: () => sdk.shutdown() }
}

export function tracer(): Tracer {
  return trace.getTracer('roomlog')
}

/** The context of a `traceparent`; the root where there is none or it is not well formed. */
export function contextOf(traceparent: string | undefined): Context {
  const found = traceparent && parseTraceparent(traceparent)
  return found ? trace.setSpanContext(ROOT_CONTEXT, found) : ROOT_CONTEXT
}

/** The `traceparent` to send on; a new one, not sampled, where nothing is being traced, so that an answer can always name its trace. */
export function traceparentOf(of: Context = context.active()): string {
  const found = trace.getSpanContext(of)
  if (found && isSpanContextValid(found)) return `00-${found.traceId}-${found.spanId}-${hex(found.traceFlags)}`
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`
}

/** For links between spans. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text)
  if (!match || text.startsWith('ff')) return undefined
  const found: SpanContext = {
    traceId: match[1]!,
    spanId: match[2]!,
    traceFlags: Number.parseInt(match[3]!, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  }
  return isSpanContextValid(found) ? found : undefined
}

function hex(flags: number): string {
  return flags.toString(16).padStart(2, '0')
}
