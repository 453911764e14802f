/**
 * Taking a partition over: checkpoint, replay, mark. Nothing here relies on a former owner having gone: the owner mark is
 * appended by compare-and-append like everything else, and whoever loses the race reads on and tries again.
 */
import { type Log, RoomlogError, recordCheck } from '@roomlog/log'
import type { Mark } from '@roomlog/protocol'
import type { Fold } from './fold.js'
import { emptyHead } from './head.js'
import { markRecord } from './record.js'
import { type Restored, restore } from './restore.js'
import type { Site } from './site.js'

export interface Taken {
  /** Offset of the owner mark. */
  owner: number
  restored: Restored
  /** The log is not the one that the checkpoint was made from. */
  otherLog: boolean
  /** First command to read, and how many were lost to retention before anybody decided them. */
  nextCommand: number
  commandGap: number
}

/** @throws RoomlogError where the partition must stop until somebody repairs it; the message says how. */
export async function takeOver(site: Site, fold: Fold): Promise<Taken> {
  const { log, partition } = site
  const topic = site.topics.events
  let restored = await restore(log, site.topics.state, partition)
  const { start, end } = await log.range(topic, partition)
  const otherLog = await isOtherLog(log, topic, partition, restored, start, end)
  if (otherLog) restored = withoutCheckpoint(restored)
  if (start > restored.from) {
    throw new RoomlogError(
      'damaged',
      `${topic}/${partition} begins at ${start}, but the checkpoint ends at ${restored.from}: restore the missing records or the topic ${site.topics.state} from a backup`,
    )
  }
  fold.begin(await log.topicId(topic), restored)
  await fold.catchUp(restored.head.through)
  const commands = await commandsFrom(site, fold.cmd)
  const owner = await mark(site, fold, otherLog || fold.incarnation === '')
  return {
    owner,
    restored,
    otherLog,
    nextCommand: Math.max(fold.cmd + 1, commands.start),
    commandGap: Math.max(0, commands.start - fold.cmd - 1),
  }
}

/** Whether the log is shorter than, or different from, what the checkpoint has seen. */
async function isOtherLog(
  log: Log,
  topic: string,
  partition: number,
  { head, through }: Restored,
  start: number,
  end: number,
): Promise<boolean> {
  if (through > end) return true
  if (!head.last || head.last.offset < start) return false
  const { records } = await log.read(topic, partition, head.last.offset, { bytesMax: 1 })
  return records[0]?.offset !== head.last.offset || recordCheck(records[0].value) !== head.last.check
}

/** The log is the truth: what it does not hold did not happen. All is folded anew, and all old chunks go. */
function withoutCheckpoint(restored: Restored): Restored {
  const leftovers = [...restored.leftovers]
  for (const room of restored.rooms.values()) leftovers.push(...room.stored.keys)
  return { ...restored, rooms: new Map(), unclean: new Set(), head: emptyHead, from: 0, through: 0, leftovers }
}

async function commandsFrom({ log, topics, partition }: Site, cmd: number): Promise<{ start: number }> {
  const topic = topics.commands
  const { start, end } = await log.range(topic, partition)
  if (end <= cmd) {
    throw new RoomlogError(
      'damaged',
      `${topic}/${partition} ends at ${end}, but commands up to ${cmd} are decided: it has lost records, and new commands would be taken for decided ones. ` +
        `Repair: restore it from a copy, or produce ${cmd + 1 - end} records of any value to this partition (they count as decided); then this partition goes on by itself.`,
    )
  }
  return { start }
}

/**
 * Appends the owner mark, and before it an incarnation mark where the log begins (anew). The owner mark repeats the
 * incarnation, so that a log which is trimmed to it still names its incarnation first. Returns the owner mark's offset.
 */
async function mark({ log, newId, topics, partition }: Site, fold: Fold, newIncarnation: boolean): Promise<number> {
  for (;;) {
    const incarnation = newIncarnation ? newId() : fold.incarnation
    const marks: Mark[] = [{ mark: 'owner', incarnation }]
    if (newIncarnation) marks.unshift({ mark: 'incarnation', incarnation })
    const records = marks.map((one) => {
      const record = markRecord(one)
      record.headers['cmd'] = String(fold.cmd)
      return record
    })
    const base = fold.end
    const outcome = await log.append(topics.events, partition, base, records).catch((error: Error) => error)
    const known = fold.incarnation
    await fold.catchUp()
    if (!(outcome instanceof Error) && outcome.appended) return base + records.length - 1
    if (outcome instanceof Error && !(outcome instanceof RoomlogError && outcome.retriable)) throw outcome
    newIncarnation &&= fold.incarnation === known
  }
}
