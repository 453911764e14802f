/**
 * Causes make follow-ups exactly-once. Each follow-up names the event (or mark) that caused it; follow-ups from one source
 * partition reach a target in the order of their causes. So the target needs to know only the last cause that it decided
 * per source: what is not later is a repeat, of whatever age.
 */
import type { Cause } from '@roomlog/protocol'

export type CausePlace = readonly [offset: number, index: number]

/** The key of a cause's source. A log that begins anew counts its offsets anew, hence the incarnation. */
export function sourceOf(cause: Cause): string {
  return cause.incarnation === undefined ? `${cause.topic}/${cause.partition}` : `${cause.topic}/${cause.partition}/${cause.incarnation}`
}

export function laterCause([offset, index]: CausePlace, than: CausePlace | undefined): boolean {
  return !than || offset > than[0] || (offset === than[0] && index > than[1])
}

/** `{"room.events/3": "17.0"}`: the form of the header `causes` and of a checkpoint's head. */
export type EncodedCauses = Record<string, string>

export function encodeCauses(causes: Iterable<[string, CausePlace]>): EncodedCauses {
  const encoded: EncodedCauses = {}
  for (const [source, [offset, index]] of causes) encoded[source] = `${offset}.${index}`
  return encoded
}

export function parseCauses(encoded: EncodedCauses): [string, CausePlace][] {
  return Object.entries(encoded).map(([source, text]) => {
    const [offset, index] = text.split('.')
    return [source, [Number(offset), Number(index)]]
  })
}
