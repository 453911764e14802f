import { readFileSync } from 'node:fs'
import { type Log, openLog, RoomlogError } from '@roomlog/log'
import type { Config } from '@roomlog/runtime'

/** The deployment's log, opened beside the services. @throws Error that says so where a running process holds an embedded log. */
export async function openDeploymentLog(config: Config): Promise<Log> {
  const { tls, sasl } = config.kafka
  try {
    return await openLog(config.logUrl, {
      partitions: config.partitions,
      topicPrefix: config.topicPrefix,
      kafka: {
        ...(tls && { tls: typeof tls === 'object' ? { ca: readFileSync(tls.caFile) } : true }),
        ...(sasl && { sasl }),
      },
    })
  } catch (error) {
    if (config.logUrl.startsWith('file:') && error instanceof RoomlogError && error.code === 'unavailable')
      throw new LogInUse(`the log in ${config.logUrl.slice(5)} is open in another process`, { cause: error })
    throw error
  }
}

/** An embedded log belongs to one process; ask that one. */
export class LogInUse extends Error {}
