import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { asyncApi, openApi } from './documents.js'
import { operations, pathMembers } from './operations.js'

type Node = Record<string, any>

const find = (document: Node, reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce((node: Node | undefined, part) => node?.[part.replaceAll('~1', '/')], document)

function references(node: unknown, found: string[] = []): string[] {
  if (typeof node !== 'object' || node === null) return found
  for (const [name, value] of Object.entries(node)) {
    if (name === '$ref' && typeof value === 'string') found.push(value)
    else references(value, found)
  }
  return found
}

const ajv = new Ajv2020({ strict: false, validateFormats: false })

describe('the OpenAPI document', () => {
  const document = openApi() as Node

  it('has every route of the table, with its path members', () => {
    for (const { method, routes } of operations) {
      for (const route of routes) {
        const described = document.paths[route]?.[method.toLowerCase()]
        expect(described, `${method} ${route}`).toBeDefined()
        const inPath = described.parameters.filter((parameter: Node) => parameter.in === 'path')
        expect(inPath.map((parameter: Node) => parameter.name)).toEqual(pathMembers(route))
      }
    }
  })

  it('has unique operation IDs, resolvable references and valid schemas', () => {
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path as Node).map((described) => described.operationId))
    expect(new Set(ids).size).toBe(ids.length)
    for (const reference of references(document)) expect(find(document, reference), reference).toBeDefined()
    for (const path of Object.values<Node>(document.paths)) {
      for (const described of Object.values<Node>(path)) {
        const schemas = [
          ...described.parameters.map((parameter: Node) => parameter.schema),
          described.requestBody?.content['application/json'].schema,
          described.responses[200].content['application/json'].schema,
        ]
        for (const schema of schemas) if (schema) expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true)
        for (const [status, response] of Object.entries<Node>(described.responses))
          expect(status === '200' || '$ref' in response).toBe(true)
      }
    }
  })
})

describe('the AsyncAPI document', () => {
  const document = asyncApi() as Node

  it('has resolvable references and valid payloads', () => {
    expect(document.asyncapi).toBe('3.1.0')
    for (const reference of references(document)) expect(find(document, reference), reference).toBeDefined()
    for (const [name, message] of Object.entries<Node>(document.components.messages)) {
      expect(ajv.validateSchema(message.payload), `${name} ${JSON.stringify(ajv.errors)}`).toBe(true)
    }
  })

  it('has the frames of the WebSocket, and the topics that are open to services', () => {
    expect(Object.keys(document.channels.websocket.messages)).toEqual(
      expect.arrayContaining(['auth', 'subscribe', 'do', 'history', 'event', 'bye']),
    )
    expect(Object.values<Node>(document.channels).map((channel) => channel.address)).toEqual(
      expect.arrayContaining(['/v1/ws', 'ingest.events', 'ingest.dead', 'ingest.events.reply', 'room.events']),
    )
    expect(document.components.messages.ingest_events.payload.required).toEqual(['type', 'content'])
  })
})
