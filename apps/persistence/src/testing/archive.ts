/** An archive for tests: a memory log, a database of its own, and archivers over both. */
import { randomUUID } from 'node:crypto'
import { type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { startPostgres, type TestPostgres } from '@roomlog/testing'
import { Archiver, archivedTopics } from '../archiver.js'
import { type Database, openDatabase } from '../database.js'
import { Progress } from '../progress.js'
import { readCheckpoints } from '../store/checkpoints.js'
import { Writer } from './writer.js'

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

export interface TestArchive {
  log: Log
  writer: Writer
  database: Database
  databaseUrl: string
  progress: Progress
  archiver: Archiver
  /** Resolves when everything in the log is stored. */
  caughtUp(): Promise<void>
  close(): Promise<void>
}

let shared: Promise<TestPostgres> | undefined

/** One server for a test file; call `stopServer` at its end. */
export const server = () => (shared ??= startPostgres())
export const stopServer = async () => (await shared)?.stop()

export async function openArchive(options: { partitions?: number; start?: boolean } = {}): Promise<TestArchive> {
  const log = await openLog(`memory:${randomUUID()}`, { partitions: options.partitions ?? 2 })
  await log.prepare(topics, 'relaxed')
  const databaseUrl = await (await server()).createDatabase()
  const database = await openDatabase({ databaseUrl, dataDir: '' })
  const progress = new Progress()
  const archiver = new Archiver({ log, dataSource: database.dataSource, logger: quiet, progress })
  if (options.start !== false) await archiver.start()
  return {
    log,
    writer: new Writer(log),
    database,
    databaseUrl,
    progress,
    archiver,
    caughtUp: () => reachedEnd(log, database),
    async close() {
      await archiver.stop()
      await database.close()
      await log.close()
    },
  }
}

export async function reachedEnd(log: Log, database: Database, timeoutMs = 20_000): Promise<void> {
  await until(async () => {
    const rows = await readCheckpoints(database.dataSource)
    for (const topic of archivedTopics) {
      for (let partition = 0; partition < log.partitions; partition++) {
        const row = rows.find((candidate) => candidate.topic === topic && candidate.partition === partition)
        if ((row?.offset ?? 0) < (await log.range(topic, partition)).end) return false
      }
    }
    return true
  }, timeoutMs)
}

export async function until(check: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await check()); ) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms`)
    await new Promise((done) => setTimeout(done, 10))
  }
}
