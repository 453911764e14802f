/** From a request to the input of an operation: path members first, then the body's, whose content is cut out and never parsed. */
import { type Envelope, parseEnvelopes, type WireError, wireError } from '@roomlog/protocol'
import type { Input, Operation } from '@roomlog/protocol/operations'

export interface InputLimits {
  jsonDepth: number
  frameItems: number
}

/** One input per item; `array` = the body was one, and so is the answer. */
export function inputsOf(
  operation: Operation,
  path: Record<string, string>,
  body: Uint8Array | undefined,
  limits: InputLimits,
): { inputs: Input[]; array: boolean } | WireError {
  const parsed = body === undefined || body.length === 0 ? { ok: [{}], array: false } : parse(body, limits)
  if ('code' in parsed) return parsed
  if (parsed.array && !operation.many) return wireError('invalid', 'a JSON object is expected')
  const inputs: Input[] = []
  for (const item of parsed.ok) {
    for (const name of Object.keys(path)) if (name in item) return wireError('invalid', `${name} is given by the path`, { field: name })
    inputs.push({ ...item, ...path })
  }
  return { inputs, array: parsed.array }
}

/** The request's token: of the header, else of the query. */
export function tokenOf(headers: { authorization?: string }, query: Record<string, unknown>): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')
  if (bearer) return bearer[1]
  return typeof query.access_token === 'string' ? query.access_token : undefined
}

function parse(body: Uint8Array, { jsonDepth, frameItems }: InputLimits): { ok: Envelope[]; array: boolean } | WireError {
  const parsed = parseEnvelopes(body, { raw: ['content'], depthMax: jsonDepth, itemsMax: frameItems })
  if ('ok' in parsed) return parsed
  return wireError(parsed.tooLarge ? 'too_large' : 'invalid', parsed.invalid, parsed.field === undefined ? {} : { field: parsed.field })
}
