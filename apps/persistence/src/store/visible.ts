import type { AccessTimeline } from '@roomlog/domain'

/** First and last `seq`, both included. */
export type Range = [first: number, last: number]

/**
 * The seqs up to `last` that a timeline opens, as ascending ranges. What may be seen changes only at, or just after, a change
 * of the room's history mode or of the membership.
 */
export function visibleRanges(
  timeline: AccessTimeline,
  changes: readonly (readonly [seq: number, value: string])[],
  last: number,
): Range[] {
  const points = new Set([1, ...changes.flatMap(([seq]) => [seq, seq + 1])])
  const starts = [...points].filter((seq) => seq >= 1 && seq <= last).sort((a, b) => a - b)
  const ranges: Range[] = []
  starts.forEach((first, index) => {
    if (!timeline.maySee(first)) return
    const end = (starts[index + 1] ?? last + 1) - 1
    const before = ranges.at(-1)
    if (before?.[1] === first - 1) before[1] = end
    else ranges.push([first, end])
  })
  return ranges
}
