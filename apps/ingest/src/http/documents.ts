/** `/docs`: the API's documents as JSON, and one page that lists them without anything from elsewhere. */
import { asyncApi, openApi } from '@roomlog/protocol/documents'
import { operations } from '@roomlog/protocol/operations'
import type { Config } from '@roomlog/runtime'
import type { FastifyInstance } from 'fastify'

export function addDocuments(server: FastifyInstance, config: Config): void {
  const [open, async] = [JSON.stringify(openApi(config.publicUrl)), JSON.stringify(asyncApi(new URL(config.publicUrl).host))]
  const html = page()
  server.get('/docs/openapi.json', async (_request, reply) => reply.type('application/json; charset=utf-8').send(open))
  server.get('/docs/asyncapi.json', async (_request, reply) => reply.type('application/json; charset=utf-8').send(async))
  server.get('/docs', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'").send(html),
  )
}

function page(): string {
  const rows = operations.flatMap(({ method, routes, summary, needs }) =>
    routes.map((route) => `<tr><td>${method}<td><code>${escaped(route)}</code><td>${escaped(summary)}<td>${needs}</tr>`),
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Roomlog API</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #8884;vertical-align:top}</style>
<h1>Roomlog API</h1>
<p>HTTP: <a href="/docs/openapi.json">OpenAPI 3.1</a> · WebSocket and Kafka: <a href="/docs/asyncapi.json">AsyncAPI 3.1</a></p>
<table><thead><tr><th>Method<th>Route<th>What it does<th>Needs</tr></thead><tbody>${rows.join('\n')}</tbody></table></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
