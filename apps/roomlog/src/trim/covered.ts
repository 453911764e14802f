/**
 * From where on an authority that takes the partition over now would need its events: the `through` of the checkpoint's head,
 * or less, where a record says of itself that a paused former owner wrote it late. The same signs as in the authority's own
 * restore, and without its exceptions: what is named here is never above where the restore begins.
 */
import { epochOf, type Log, type LogRecord, recordCheck } from '@roomlog/log'
import { eventsTopic, type Family, type Head, headKey, stateTopic } from '@roomlog/protocol'

/** `refused`: head and log contradict each other, or cannot be compared. */
export type Covered = { through: number; epoch: string } | 'none' | { refused: string }

export async function covered(log: Log, family: Family, partition: number): Promise<Covered> {
  const { headRecord, late } = await readSigns(log, stateTopic(family), partition)
  if (!headRecord?.value) return 'none'
  const head = decodeHead(headRecord.value)
  if (!head) return { refused: 'the authority’s head cannot be read' }
  const topic = eventsTopic(family)
  const epoch = epochOf(await log.topicId(topic), head.incarnation)
  if (headRecord.headers['epoch'] !== epoch) return { refused: 'the authority’s head is of another log' }
  const { start, end } = await log.range(topic, partition)
  if (head.through > end) return { refused: `the authority’s head covers ${head.through}, beyond the log’s end ${end}` }
  if (head.last && head.last.offset >= start) {
    const { records } = await log.read(topic, partition, head.last.offset, { bytesMax: 1 })
    if (records[0]?.offset !== head.last.offset || recordCheck(records[0].value) !== head.last.check)
      return { refused: `the log has another record at ${head.last.offset} than the authority’s head` }
  }
  const lowest = late.filter(({ owner, offset }) => owner || offset >= head.stands).map(({ through }) => through)
  return { through: lowest.reduce((least, through) => Math.min(least, through), head.through), epoch }
}

interface Late {
  offset: number
  through: number
  /** It stands behind a later owner's record. */
  owner: boolean
}

/** The last head, and the records that may be late: not more than stand behind the head before, and those of former owners. */
async function readSigns(log: Log, topic: string, partition: number): Promise<{ headRecord: LogRecord | undefined; late: Late[] }> {
  let headRecord: LogRecord | undefined
  let late: Late[] = []
  let ownerMax = -1
  const { start, end } = await log.range(topic, partition)
  for (let at = start; at < end; ) {
    const batch = await log.read(topic, partition, at)
    for (const record of batch.records) {
      const [owner, through] = [Number(record.headers['owner']), Number(record.headers['through'])]
      if (record.key === headKey) {
        headRecord = record
        const stands = (record.value && decodeHead(record.value)?.stands) ?? 0
        late = late.filter((one) => one.owner || one.offset >= stands)
      }
      if (owner < ownerMax) late.push({ offset: record.offset, through, owner: true })
      else if (record.key !== headKey && record.value) late.push({ offset: record.offset, through, owner: false })
      ownerMax = Math.max(ownerMax, owner)
    }
    if (batch.next === at) throw new Error(`${topic}/${partition}: the log gives nothing at offset ${at} of ${end}`)
    at = batch.next
  }
  return { headRecord, late }
}

function decodeHead(value: Buffer): Head | undefined {
  try {
    const head = JSON.parse(value.toString()) as Head
    return Number.isSafeInteger(head.through) && Number.isSafeInteger(head.stands) && typeof head.incarnation === 'string'
      ? head
      : undefined
  } catch {
    return undefined
  }
}
