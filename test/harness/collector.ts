/** A trace collector of its own: takes OTLP over HTTP as JSON, and answers `GET /spans?trace=<id>` with what it has. */
import { createServer } from 'node:http'

export interface CollectedSpan {
  service: string
  name: string
  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  links: string[]
}

export interface Collector {
  url: string
  stop(): Promise<void>
}

/** The oldest are forgotten beyond this. */
const spansMax = 100_000

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      const wanted = new URL(request.url!, 'http://collector').searchParams.get('trace')
      response.end(JSON.stringify(spans.filter((span) => span.traceId === wanted || span.links.includes(wanted!))))
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString('utf8'))))
    spans.splice(0, spans.length - spansMax)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function spansOf(body: any): CollectedSpan[] {
  return body.resourceSpans.flatMap((resource: any) => {
    const service = resource.resource.attributes.find(({ key }: any) => key === 'service.name')?.value.stringValue
    return resource.scopeSpans.flatMap(({ spans }: any) =>
      spans.map(({ name, kind, traceId, spanId, parentSpanId, links = [] }: any) => ({
        service,
        name,
        kind,
        traceId,
        spanId,
        parentSpanId,
        links: links.map((link: any) => link.traceId),
      })),
    )
  })
}
