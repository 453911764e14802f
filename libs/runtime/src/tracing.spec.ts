import { context, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { contextOf, parseTraceparent, startTracing, traceparentOf } from './tracing.js'

const given = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

test('a trace that came in goes out again, also when nothing is exported', async () => {
  const tracing = await startTracing({ service: 'test', endpoint: undefined })
  expect(traceparentOf(contextOf(given))).toBe(given)
  const span = trace.getTracer('test').startSpan('append', {}, contextOf(given))
  expect(traceparentOf(trace.setSpan(context.active(), span))).toBe(given)
  await tracing.stop()
})

test('an answer can always name its trace', () => {
  expect(traceparentOf(contextOf(undefined))).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
})

test.each(['', 'x', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `ff${given.slice(2)}`, `${given}-x`, given.toUpperCase()])(
  'what is no trace context is none: %s',
  (text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  },
)
