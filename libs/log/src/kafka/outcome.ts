/** What became of each batch of a produce request: also a request that failed says of some that they were written. */
import type { produceV11 } from '@platformatic/kafka'
import { responsesOf, shortText } from './failure.js'

export type Outcome =
  | { baseOffset: number }
  /** `no`: certainly not, another try is safe · `never`: not, and it will not be · `unknown`: the log has to be read. */
  | { written: 'no' | 'never' | 'unknown'; error: unknown }

/** Refused before the batch was put into the log; another try may succeed. */
const notWritten = new Set([3, 5, 19, 74, 89, 100])
/** Refused for good: too large, not allowed, malformed. */
const refused = new Set([10, 17, 18, 29, 31, 87])

export function outcomesOf(
  places: readonly { topic: string; partition: number }[],
  offsets: readonly { topic: string; partition: number; offset: bigint }[],
  error: unknown,
): Map<string, Outcome> {
  const said = new Map<string, Outcome>()
  for (const { topic, partition, offset } of offsets) said.set(`${topic}/${partition}`, { baseOffset: Number(offset) })
  for (const response of responsesOf<produceV11.ProduceResponse>(error)) {
    for (const { name, partitionResponses } of response.responses ?? []) {
      for (const { index, errorCode, baseOffset, errorMessage } of partitionResponses) {
        const detail = new Error(errorMessage || `Kafka's code ${errorCode} (${shortText(error)})`)
        const written = notWritten.has(errorCode) ? 'no' : refused.has(errorCode) ? 'never' : 'unknown'
        said.set(`${name}/${index}`, errorCode === 0 ? { baseOffset: Number(baseOffset) } : { written, error: detail })
      }
    }
  }
  const nothingSaid: Outcome = { written: 'unknown', error: error ?? new Error('the broker did not say') }
  return new Map(places.map(({ topic, partition }) => [`${topic}/${partition}`, said.get(`${topic}/${partition}`) ?? nothingSaid]))
}
