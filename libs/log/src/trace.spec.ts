import { type Context, type Link, type Span, type SpanContext, SpanKind, type SpanOptions, type Tracer, trace } from '@opentelemetry/api'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { openLog } from './open.js'
import type { LogRecord } from './port.js'
import { specs } from './stage.contract.js'
import { extractTrace, injectTrace, traceProcess, traceProcessBatch, traceSending } from './trace.js'

interface Recorded {
  name: string
  kind?: SpanKind
  parent?: SpanContext
  links: Link[]
  context: SpanContext
  failed: boolean
  ended: boolean
}

const spans: Recorded[] = []
let recording = true

/** The least of a tracer that the API asks for: it remembers what it was told. */
class RecordingTracer implements Tracer {
  startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
    const parent = context && trace.getSpanContext(context)
    const spanContext = { traceId: parent?.traceId ?? 'c'.repeat(32), spanId: String(spans.length + 1).padStart(16, '0'), traceFlags: 1 }
    const recorded: Recorded = {
      name,
      kind: options.kind,
      parent,
      links: options.links ?? [],
      context: spanContext,
      failed: false,
      ended: false,
    }
    if (recording) spans.push(recorded)
    return {
      spanContext: () => spanContext,
      isRecording: () => recording,
      setStatus: () => (recorded.failed = true),
      end: () => (recorded.ended = true),
    } as unknown as Span
  }
  startActiveSpan(...parameters: unknown[]): never {
    const [name, options, context] = parameters as [string, SpanOptions, Context]
    return (parameters.at(-1) as (span: Span) => never)(this.startSpan(name, options, typeof context === 'object' ? context : undefined))
  }
}
trace.setGlobalTracerProvider({ getTracer: () => new RecordingTracer() })

const sampled = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const unsampled = sampled.replace(/01$/, '00')

beforeEach(() => {
  spans.length = 0
  recording = true
})

it('carries a context through headers, and takes none that is malformed', () => {
  const headers = injectTrace({ v: '1' }, extractTrace({ traceparent: sampled }))
  expect(headers).toEqual({ v: '1', traceparent: sampled })
  const empty = injectTrace({ v: '1' })
  for (const traceparent of ['', 'x', sampled.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`]) {
    expect(injectTrace({ v: '1' }, extractTrace({ traceparent }))).toEqual(empty)
  }
})

it('sends a record of a sampled trace under a span of its own, that the record carries on', () => {
  const sending = traceSending('room.commands', 3, [
    { key: 'r', value: 'x', headers: { traceparent: sampled } },
    { key: 'r', value: 'y' },
  ])
  expect(spans).toMatchObject([
    { name: 'send room.commands', kind: SpanKind.PRODUCER, parent: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }, ended: false },
  ])
  expect(sending.drafts[0]!.headers!['traceparent']).toBe(`00-${'a'.repeat(32)}-${spans[0]!.context.spanId}-01`)
  expect(sending.drafts[1]!.headers).toBeUndefined()
  sending.end(new Error('planted'))
  expect(spans[0]).toMatchObject({ failed: true, ended: true })
})

it('makes nothing of traces that are not sampled, and changes nothing where nobody records', () => {
  const drafts = [{ key: 'r', value: 'x', headers: { traceparent: unsampled } }]
  expect(traceSending('room.commands', 0, drafts).drafts).toBe(drafts)
  recording = false
  const others = [{ key: 'r', value: 'x', headers: { traceparent: sampled } }]
  expect(traceSending('room.commands', 0, others).drafts).toEqual(others)
  expect(spans).toEqual([])
})

it('is one trace from a command through its event', async () => {
  const log = await openLog('memory:trace', { partitions: 64 })
  onTestFinished(() => log.close())
  await log.prepare(specs, 'strict')
  await log.produce('room.commands', 1, [{ key: 'r', value: 'x', headers: { traceparent: sampled } }])
  const { records } = await log.read('room.commands', 1, 0)
  await traceProcess('room.commands', 1, records[0]!, (span) =>
    log.append('room.events', 1, 0, [{ key: 'r', value: 'y', headers: injectTrace({}, trace.setSpan(extractTrace({}), span)) }]),
  )
  const event = (await log.read('room.events', 1, 0)).records[0]!
  expect(spans.map(({ name }) => name)).toEqual(['send room.commands', 'process room.commands', 'send room.events'])
  expect(spans.map(({ parent }) => parent?.spanId)).toEqual(['b'.repeat(16), spans[0]!.context.spanId, spans[1]!.context.spanId])
  expect(event.headers['traceparent']).toBe(`00-${'a'.repeat(32)}-${spans[2]!.context.spanId}-01`)
  expect(spans.every(({ ended }) => ended)).toBe(true)
})

it('links a batch to the traces of its records', async () => {
  const record = (traceparent?: string): LogRecord => ({
    offset: 0,
    key: null,
    value: null,
    headers: traceparent ? { traceparent } : {},
    time: 0,
  })
  await expect(
    traceProcessBatch('room.events', 0, [record(), record(sampled), record(unsampled)], () => {
      throw new Error('planted')
    }),
  ).rejects.toThrow('planted')
  expect(spans).toMatchObject([
    { name: 'process room.events', kind: SpanKind.CONSUMER, links: [{ context: { traceId: 'a'.repeat(32) } }], failed: true, ended: true },
  ])
})
