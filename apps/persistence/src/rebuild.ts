/**
 * The check behind anomaly A12: the tables, built anew from the log from its first record into a schema of their own, equal
 * the live ones. For tests and for `doctor`; it reads the whole log, and leaves nothing behind.
 */
import { randomBytes } from 'node:crypto'
import { type Log, RoomlogError } from '@roomlog/log'
import type { DataSource } from 'typeorm'
import { archivedTopics } from './archiver.js'
import { type Database, openDatabase } from './database.js'
import { sliceOf } from './slice.js'
import { openCheckpoint } from './store/checkpoints.js'
import { store } from './store/write.js'

export interface RebuildReport {
  equal: boolean
  events: number
  /** `<table>: <n> rows only live, <m> rows only rebuilt`. */
  differences: string[]
}

/** How often the rebuilt tables follow a live archive that has moved on meanwhile. */
const attemptsMax = 20
/** Columns of every table that say when, not what. */
const compared: Record<string, string> = {
  checkpoints: 'topic, partition, "offset", epoch, incarnation, last_offset, last_proof, events',
  events: '*',
  rooms: '*',
  state: '*',
  members: '*',
  member_changes: '*',
  history_changes: '*',
  aliases: '*',
  erased: '*',
  user_rooms: '*',
  markers: '*',
  profiles: '*',
  revocations: 'user_id, device, at',
  reactions: '*',
  threads: '*',
  mentions: '*',
}

/** @throws RoomlogError `out_of_range` that says so where the log was trimmed: nothing can be rebuilt from zero then. */
export async function checkRebuild(log: Log, live: Database): Promise<RebuildReport> {
  const schema = `rebuild_${randomBytes(6).toString('hex')}`
  await untrimmed(log)
  const rebuilt = await openDatabase({ databaseUrl: live.url, dataDir: '', schema, connectionsMax: 2 })
  try {
    for (let attempt = 1; ; attempt++) {
      await archiveAll(log, rebuilt.dataSource)
      const report = await compare(live.dataSource, schema)
      if (report || attempt === attemptsMax)
        return report ?? { equal: false, events: 0, differences: ['the live archive did not come to rest'] }
      await new Promise((done) => setTimeout(done, 250))
    }
  } finally {
    await rebuilt.dataSource.query(`drop schema ${schema} cascade`)
    await rebuilt.close()
  }
}

async function untrimmed(log: Log): Promise<void> {
  for (const topic of archivedTopics) {
    for (let partition = 0; partition < log.partitions; partition++) {
      const { start } = await log.range(topic, partition)
      if (start === 0) continue
      const what = `${topic}/${partition} was trimmed to ${start}: the check needs an untrimmed log, for it rebuilds the tables from the first event`
      throw new RoomlogError('out_of_range', what, { retriable: false })
    }
  }
}

async function archiveAll(log: Log, dataSource: DataSource): Promise<void> {
  const topicIds = new Map<string, string>()
  for (const topic of archivedTopics) topicIds.set(topic, await log.topicId(topic))
  for (const topic of archivedTopics) {
    for (let partition = 0; partition < log.partitions; partition++) {
      let { offset } = await openCheckpoint(dataSource, topic, partition, topicIds.get(topic)!)
      for (let end = Number.POSITIVE_INFINITY; offset < end; ) {
        const batch = await log.read(topic, partition, offset)
        if (batch.next > offset) await store(dataSource, [sliceOf(offset, batch)], topicIds)
        else if (offset < batch.end) throw new Error(`${topic}/${partition}: the log gives nothing at offset ${offset} of ${batch.end}`)
        offset = batch.next
        end = batch.end
      }
    }
  }
}

/** Undefined = the live archive is not where the rebuilt one is. */
async function compare(live: DataSource, schema: string): Promise<RebuildReport | undefined> {
  return live.transaction('REPEATABLE READ', async (manager) => {
    const count = async (sql: string) => Number(((await manager.query(`select count(*) as n from (${sql}) x`)) as [{ n: number }])[0].n)
    const place = 'topic, partition, "offset"'
    const ahead = `select ${place} from checkpoints where "offset" > 0 except select ${place} from ${schema}.checkpoints`
    const behind = `select ${place} from ${schema}.checkpoints where "offset" > 0 except select ${place} from checkpoints`
    if ((await count(ahead)) + (await count(behind)) > 0) return undefined
    const differences: string[] = []
    for (const [table, columns] of Object.entries(compared)) {
      const [mine, theirs] = [`select ${columns} from ${table}`, `select ${columns} from ${schema}.${table}`]
      const [onlyLive, onlyRebuilt] = [await count(`${mine} except all ${theirs}`), await count(`${theirs} except all ${mine}`)]
      if (onlyLive + onlyRebuilt > 0) differences.push(`${table}: ${onlyLive} rows only live, ${onlyRebuilt} rows only rebuilt`)
    }
    return { equal: differences.length === 0, events: await count('select 1 from events'), differences }
  })
}
