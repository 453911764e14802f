/** The OpenAPI 3.1 document of the HTTP API, built from the operation table and the table of codes. */
import { z } from 'zod'
import { codes } from '../codes.js'
import { type Operation, operations, pathMembers, schemas } from '../operations.js'
import { type JsonSchema, jsonSchema, productInfo } from './schema.js'

export function openApi(serverUrl = '/'): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    for (const [index, route] of operation.routes.entries()) {
      paths[route] ??= {}
      paths[route][operation.method.toLowerCase()] = describe(operation, route, index)
    }
  }
  return {
    openapi: '3.1.0',
    info: productInfo,
    servers: [{ url: serverUrl }],
    tags: [{ name: 'command' }, { name: 'read' }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        query: { type: 'apiKey', in: 'query', name: 'access_token' },
      },
      schemas: { Error: { type: 'object', properties: { error: jsonSchema(schemas.wireErrorSchema) }, required: ['error'] } },
      responses: errorResponses(),
    },
  }
}

function describe(operation: Operation, route: string, index: number): JsonSchema {
  const inPath = pathMembers(route)
  const shape = operation.input.shape as Record<string, z.ZodType>
  const others = Object.keys(shape).filter((name) => !inPath.includes(name) && !pathMembers(operation.routes.at(-1)!).includes(name))
  const described: JsonSchema = {
    operationId: index === 0 ? operation.name : `${operation.name}${index + 1}`,
    summary: operation.summary,
    tags: [operation.kind],
    security: operation.needs === 'anyone' ? [{}, { bearer: [] }, { query: [] }] : [{ bearer: [] }, { query: [] }],
    parameters: [
      ...inPath.map((name) => ({ name, in: 'path', required: true, schema: jsonSchema(shape[name]!, 'input') })),
      ...(operation.method === 'GET' ? others.map((name) => queryParameter(name, shape[name]!)) : []),
    ],
    responses: { 200: { description: 'done', content: { 'application/json': { schema: answerOf(operation) } } }, ...references() },
  }
  if (operation.kind !== 'read' && operation.method !== 'GET') described.requestBody = bodyOf(operation, others)
  return described
}

function queryParameter(name: string, member: z.ZodType): JsonSchema {
  return {
    name,
    in: 'query',
    required: !member.safeParse(undefined).success,
    style: 'form',
    explode: false,
    schema: jsonSchema(member, 'input'),
  }
}

function bodyOf(operation: Operation, members: string[]): JsonSchema {
  const shape = operation.input.shape as z.ZodRawShape
  const one = jsonSchema(z.strictObject(Object.fromEntries(members.map((name) => [name, shape[name]!]))), 'input')
  const schema = operation.many ? { anyOf: [one, { type: 'array', items: one, maxItems: 100 }] } : one
  return { required: Array.isArray(one.required) && one.required.length > 0, content: { 'application/json': { schema } } }
}

function answerOf(operation: Operation): JsonSchema {
  const one = jsonSchema(operation.output)
  if (!operation.many) return one
  return { anyOf: [one, { type: 'array', items: { anyOf: [one, { $ref: '#/components/schemas/Error' }] } }] }
}

const statuses = [...new Set(Object.values(codes).map(({ status }) => status))].sort()

function references(): JsonSchema {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${status}` }]))
}

function errorResponses(): JsonSchema {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  return Object.fromEntries(
    statuses.map((status) => {
      const of = Object.entries(codes).filter(([, code]) => code.status === status)
      return [status, { description: of.map(([name, { meaning }]) => `\`${name}\`: ${meaning}`).join(' · '), content }]
    }),
  )
}
