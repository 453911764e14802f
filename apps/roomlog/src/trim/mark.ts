import { incarnationOf, type Log } from '@roomlog/log'

/** Records that are read back in one step. */
const backMax = 2_000

/**
 * The last mark at or below `limit` that names the log's incarnation; undefined where there is none from `start` on. The first
 * record that a trimmed log keeps is such a mark, so that its epoch is known to everybody who opens it.
 */
export async function lastMark(log: Log, topic: string, partition: number, start: number, limit: number): Promise<number | undefined> {
  const { end } = await log.range(topic, partition)
  for (let before = Math.min(limit + 1, end); before > start; ) {
    const from = Math.max(start, before - backMax)
    let found: number | undefined
    for (let at = from; at < before; ) {
      const batch = await log.read(topic, partition, at)
      for (const record of batch.records) if (record.offset < before && incarnationOf(record) !== undefined) found = record.offset
      if (batch.next === at) throw new Error(`${topic}/${partition}: the log gives nothing at offset ${at} of ${end}`)
      at = batch.next
    }
    if (found !== undefined) return found
    before = from
  }
  return undefined
}
