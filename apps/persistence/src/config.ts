import type { Config } from '@roomlog/runtime'

/** The part of the configuration that persistence reads. */
export type PersistenceConfig = Pick<
  Config,
  'logUrl' | 'kafka' | 'topicPrefix' | 'partitions' | 'durability' | 'databaseUrl' | 'dataDir' | 'secret' | 'limits'
>

export function persistenceConfig(config: Config): PersistenceConfig {
  const { logUrl, kafka, topicPrefix, partitions, durability, databaseUrl, dataDir, secret, limits } = config
  return { logUrl, kafka, topicPrefix, partitions, durability, databaseUrl, dataDir, secret, limits }
}
