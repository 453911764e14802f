/** What the doors of ingest are built from; opened with the module, closed when its listeners are gone. */

import { readFileSync } from 'node:fs'
import type { Authenticator, Door } from '@roomlog/door'
import { authenticatorOf, doorOf } from '@roomlog/door'
import { type KafkaOptions, type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import type { Config, Health, Logger, Metrics } from '@roomlog/runtime'

export interface Parts {
  config: Config
  logger: Logger
  metrics: Metrics
  log: Log
  authenticator: Authenticator
  door: Door
}

/** Injection token of `Parts`. */
export const PARTS = Symbol('ingest parts')

/** The topics exist and no reply can be missed when this resolves. */
export async function openParts(of: { config: Config; logger: Logger; metrics: Metrics; health: Health }): Promise<Parts> {
  const { config, logger, metrics, health } = of
  const log = await openLog(config.logUrl, {
    partitions: config.partitions,
    topicPrefix: config.topicPrefix,
    kafka: { ...kafkaOf(config), clientId: 'roomlog-ingest' },
    onFailure: (error: Error) => logger.warn({ err: error }, 'the log had a failure'),
  })
  try {
    const { risks } = await log.prepare(topics, config.durability)
    const door = doorOf({ config, log, logger, metrics })
    await door.start()
    health.ready('log', () => ({ ok: true, url: log.url.split('@').at(-1), mayLose: risks, waiting: door.waiting }))
    return { config, logger, metrics, log, authenticator: authenticatorOf(config), door }
  } catch (error) {
    await log.close()
    throw error
  }
}

function kafkaOf({ kafka: { tls, sasl } }: Config): KafkaOptions {
  const options: KafkaOptions = {}
  if (tls) options.tls = tls === true ? true : { ca: readFileSync(tls.caFile) }
  if (sasl) options.sasl = { ...sasl }
  return options
}

export async function closeParts({ door, log }: Parts): Promise<void> {
  await door.stop()
  await log.close()
}
