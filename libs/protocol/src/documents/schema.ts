import { z } from 'zod'

export type JsonSchema = Record<string, unknown>

/** JSON Schema 2020-12, as OpenAPI 3.1 and AsyncAPI 3 take it. */
export function jsonSchema(of: z.ZodType, io: 'input' | 'output' = 'output'): JsonSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(of, { io, unrepresentable: 'any' }) as JsonSchema
  return schema
}

export const productInfo = {
  title: 'Roomlog',
  version: '1',
  description: 'A realtime backend in which every room is an event log.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
}
