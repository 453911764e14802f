import { RoomlogError } from './failure.js'

/** What may be trimmed at all, in every implementation. @throws as `Log.trim` does. */
export function checkTrim(of: { topic: string; partition: number; append: boolean }, before: number, end: number): void {
  if (!of.append) throw new RoomlogError('invalid', `${of.topic} is not an append topic: it forgets by itself`)
  if (!Number.isSafeInteger(before) || before < 0) throw new RoomlogError('invalid', `${before} is not an offset`)
  if (before > end) throw new RoomlogError('out_of_range', `${of.topic}/${of.partition} ends at ${end}, before ${before}`)
}
