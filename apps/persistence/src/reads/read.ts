/**
 * A public read: a function of what was asked and of who asks, to the text of the answer or to a refusal. Texts, not objects,
 * because events go out as the bytes that they came in as.
 */
import type { Principal } from '@roomlog/door'
import { type WireError, wireError } from '@roomlog/protocol'
import type { Input } from '@roomlog/protocol/operations'
import type { Source } from '../store/source.js'

export interface Reading {
  dataSource: Source
  /** P. */
  partitions: number
  principal: Principal
  /** Valid by the operation's schema. */
  input: Input
  limits: { pageEvents: number }
}

export type Answer = JsonText | WireError
/** Text of one JSON value. */
export type JsonText = string & { readonly json?: true }
export type Read = (reading: Reading) => Promise<Answer>

export const isRefused = <T extends object>(answer: T | string | WireError): answer is WireError =>
  typeof answer === 'object' && 'retriable' in answer

/** The same for what is not there and for what one may not know of. */
export const notFound = (): WireError => wireError('not_found')

/** A JSON object with some members given as text already; undefined ones are left out. */
export function jsonWith(members: Record<string, unknown>, raw: Record<string, JsonText | undefined> = {}): JsonText {
  const parts = Object.entries(members).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${JSON.stringify(name)}:${JSON.stringify(value)}`],
  )
  for (const [name, text] of Object.entries(raw)) if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`)
  return `{${parts.join(',')}}`
}

export const pageLimit = ({ input, limits }: Reading, usual = 50): number => Math.min(input.limit ?? usual, limits.pageEvents)
