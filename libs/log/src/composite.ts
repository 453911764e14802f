/**
 * Composite positions: where a reader of many rooms stands. Opaque to clients.
 *
 * Three things: the position in the user's inbox (whose fold there names the rooms), how far each partition of these rooms is
 * covered, and the rooms that stand behind their partition. `s1.<base64url of JSON>`; no longer than a position may be.
 */
import { parsePosition } from './position.js'

export interface CompositePosition {
  /** Event position in the inbox. */
  inbox: string
  /** Of every partition of the rooms: its epoch, and the first offset that is not covered. */
  partitions: [partition: number, epoch: string, offset: number][]
  /** Rooms covered only up to `seq`. */
  behind: [room: string, seq: number][]
}

const prefix = 's1.'

export function compositePosition({ inbox, partitions, behind }: CompositePosition): string {
  return prefix + Buffer.from(JSON.stringify([inbox, partitions, behind])).toString('base64url')
}

export function parseComposite(text: string): CompositePosition | undefined {
  if (!text.startsWith(prefix)) return undefined
  try {
    const [inbox, partitions, behind] = JSON.parse(Buffer.from(text.slice(prefix.length), 'base64url').toString()) as unknown[]
    const isOk =
      typeof inbox === 'string' &&
      parsePosition(inbox) &&
      isList(partitions, ['number', 'string', 'number']) &&
      isList(behind, ['string', 'number'])
    return isOk ? ({ inbox, partitions, behind } as CompositePosition) : undefined
  } catch {
    return undefined
  }
}

function isList(value: unknown, form: string[]): boolean {
  return (
    Array.isArray(value) &&
    value.every((item) => Array.isArray(item) && item.length === form.length && item.every((part, i) => isPart(part, form[i]!)))
  )
}

function isPart(part: unknown, type: string): boolean {
  return type === 'number' ? Number.isSafeInteger(part) && (part as number) >= 0 : typeof part === type
}
