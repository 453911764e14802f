/** What persistence is built from; opened with the module, closed when its listeners are gone. */
import { type Authenticator, authenticatorOf, Revocations } from '@roomlog/door'
import { type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import type { Config, Health, Logger, Metrics } from '@roomlog/runtime'
import { Archiver } from './archiver.js'
import { type PersistenceConfig, persistenceConfig } from './config.js'
import { type Database, openDatabase } from './database.js'
import { Indexer } from './indexer.js'
import { Progress } from './progress.js'
import { revocationsAfter } from './store/devices.js'

export interface Parts {
  config: PersistenceConfig
  logger: Logger
  log: Log
  database: Database
  progress: Progress
  archiver: Archiver
  authenticator: Authenticator
  revocations: Revocations
  indexer: Indexer
}

/** Injection token of `Parts`. */
export const PARTS = Symbol('persistence parts')

/** The tables are there and the log answers when this resolves; the archiver is not started yet. */
export async function openParts(of: { config: Config; logger: Logger; metrics: Metrics; health: Health }): Promise<Parts> {
  const { logger, metrics, health } = of
  const config = persistenceConfig(of.config)
  const database = await openDatabase({
    ...config,
    log: { info: (line) => logger.info(line), error: (line) => logger.error(line) },
  })
  try {
    const log = await openLog(config.logUrl, {
      partitions: config.partitions,
      topicPrefix: config.topicPrefix,
      kafka: { ...config.kafka, clientId: 'roomlog-persistence' } as never,
      onFailure: (error: Error) => logger.warn({ err: error }, 'the log had a failure'),
    })
    const { risks } = await log.prepare(topics, config.durability)
    const progress = new Progress(metrics)
    const archiver = new Archiver({ log, dataSource: database.dataSource, logger, progress })
    health.ready('log', () => ({ ok: true, mayLose: risks }))
    health.ready('database', async () => ({ ok: (await database.dataSource.query('select 1')) !== undefined, embedded: database.embedded }))
    health.ready('archive', () => {
      const stopped = progress.stoppedPartitions()
      return { ok: Object.keys(stopped).length === 0, behind: progress.behind(), stopped }
    })
    const revocations = new Revocations({
      fetch: (after) => revocationsAfter(database.dataSource, after),
      onFailure: (error) => logger.warn({ err: error }, 'signed-out devices cannot be read'),
    })
    const indexer = new Indexer({ dataSource: database.dataSource, progress, logger })
    return { config, logger, log, database, progress, archiver, revocations, indexer, authenticator: authenticatorOf(of.config) }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** The archiver first: what it has begun is stored or given up before the database goes. */
export async function closeParts({ archiver, indexer, revocations, log, database }: Parts): Promise<void> {
  revocations.stop()
  await indexer.stop()
  await archiver.stop()
  await log.close()
  await database.close()
}
