/** Records of `ingest.events`: what an internal service wants published, as commands of the table. */
import type { Identity } from '@roomlog/domain'
import { type Principal, servicePrincipal } from '@roomlog/door'
import { type Envelope, parseEnvelopes, type WireError, wireError } from '@roomlog/protocol'
import { type Input, identifierFault, type Operation, operation } from '@roomlog/protocol/operations'

/** One record, from Kafka or from an embedded log. */
export interface IngestRecord {
  partition: number
  offset: number | string
  key: string | null
  value: Uint8Array | null
  headers: Readonly<Record<string, string>>
}

export interface Wish {
  principal: Principal
  operation: Operation
  input: Input
  /** Whose event it is, where the record says so. */
  sender?: Identity
}

export interface RecordLimits {
  jsonDepth: number
  frameBytes: number
  frameItems: number
}

/** What the record asks for; nothing of it is checked by the table yet. An array asks for several things. */
export function wishesOf(record: IngestRecord, limits: RecordLimits): { wishes: Wish[]; array: boolean } | WireError {
  const { value, key, headers } = record
  if (value === null) return wireError('invalid', 'the record has no value')
  if (value.length > limits.frameBytes) return wireError('too_large', `a record is at most ${limits.frameBytes} bytes`)
  const parsed = parseEnvelopes(value, { raw: ['content'], depthMax: limits.jsonDepth, itemsMax: limits.frameItems })
  if ('invalid' in parsed)
    return wireError(parsed.tooLarge ? 'too_large' : 'invalid', parsed.invalid, parsed.field ? { field: parsed.field } : {})
  const wishes: Wish[] = []
  for (const item of parsed.ok) {
    const wish = wishOf(item, key, headers['roomlog-service'])
    if ('code' in wish) return wish
    wishes.push(wish)
  }
  return { wishes, array: parsed.array }
}

/** Where a service does not name itself, the sender is its name, and last this. */
const unnamed = 'kafka'

function wishOf({ sender: given, ...item }: Envelope, key: string | null, service: string | undefined): Wish | WireError {
  const sender = identityOf(given)
  if (sender && 'code' in sender) return sender
  const name = service ?? sender?.id ?? unnamed
  const fault = identifierFault(name)
  if (fault) return wireError('invalid', `roomlog-service ${fault}`, { field: 'roomlog-service' })
  const principal = servicePrincipal(name)
  if (item.channels !== undefined) return { principal, operation: operation('publishSystem'), input: item, sender }
  const room = item.room ?? key
  return { principal, operation: operation('publishMany'), input: room === null ? item : { ...item, room }, sender }
}

function identityOf(given: unknown): Identity | WireError | undefined {
  if (given === undefined) return undefined
  const { id, name, avatar, ...more } = (typeof given === 'string' ? { id: given } : given) as Record<string, unknown>
  const texts = [name, avatar].every((text) => text === undefined || (typeof text === 'string' && text.length <= 4_096))
  if (typeof id !== 'string' || identifierFault(id) || !texts || Object.keys(more).length > 0) {
    return wireError('invalid', 'sender is a user ID or {id, name?, avatar?}', { field: 'sender' })
  }
  return { id, ...(name === undefined ? {} : { name: name as string }), ...(avatar === undefined ? {} : { avatar: avatar as string }) }
}
