import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { contextOf, startTracing, tracer } from './tracing.js'

test('spans reach the collector over OTLP, under the trace that came in, before a process ends', async () => {
  const received: { url?: string; body: string }[] = []
  const collector = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      received.push({ url: request.url, body })
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`

  const tracing = await startTracing({ service: 'roomlog-test', endpoint })
  const traceId = 'a'.repeat(32)
  tracer()
    .startSpan('append', {}, contextOf(`00-${traceId}-${'b'.repeat(16)}-01`))
    .end()
  await tracing.stop()
  trace.disable()
  collector.close()

  expect(received.map(({ url }) => url)).toEqual(['/v1/traces'])
  const [{ resource, scopeSpans }] = JSON.parse(received[0]!.body).resourceSpans
  expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'roomlog-test' } })
  expect(scopeSpans[0].spans[0]).toMatchObject({ name: 'append', traceId, parentSpanId: 'b'.repeat(16) })
})
