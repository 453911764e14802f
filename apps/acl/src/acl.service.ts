/** The authority in Nest's life: opens the log, claims partitions, gives them back. */
import { randomUUID } from 'node:crypto'
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { CONFIG, type Config, Health, LOGGER, type Logger, Metrics } from '@roomlog/runtime'
import { Authorities } from './authorities.js'
import { boundsOf, domainLimitsOf } from './config.js'
import { HttpHistory } from './history.js'
import { gaugesOf, observerOf } from './metrics.js'
import { ReferenceCache } from './references.js'
import { domainRules } from './rules.js'

@Injectable()
export class AclService implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private log?: Log
  private authorities?: Authorities

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  async onModuleInit(): Promise<void> {
    const { config, logger, metrics } = this
    this.log = await openLog(config.logUrl, {
      partitions: config.partitions,
      topicPrefix: config.topicPrefix,
      kafka: { ...config.kafka, tls: config.kafka.tls as boolean, clientId: 'roomlog-acl' },
      onFailure: (error) => logger.warn({ err: error }, 'the log had a failure'),
    })
    const { risks } = await this.log.prepare(topics, config.durability)
    for (const risk of risks) logger.warn({ risk }, 'acknowledged events may be lost')
    this.authorities = new Authorities({
      log: this.log,
      rules: domainRules(domainLimitsOf(config)),
      observer: observerOf(metrics, logger),
      cache: new ReferenceCache(),
      newId: randomUUID,
      history: new HttpHistory({ url: config.persistenceUrl, secret: config.secret, now: Date.now }),
      bounds: boundsOf(config),
    })
    gaugesOf(metrics, this.authorities)
    this.health.ready('authorities', () => this.ready(risks))
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.authorities!.start()
  }

  async onModuleDestroy(): Promise<void> {
    await this.authorities?.stop()
    await this.log?.close()
  }

  private ready(mayLose: string[]) {
    const all = this.authorities!.status
    const notDeciding = all
      .filter(({ state }) => state !== 'deciding')
      .map(({ family, partition, state, reason }) => ({ family, partition, state, reason }))
    return { ok: notDeciding.length === 0, partitions: all.length, notDeciding, mayLose }
  }
}
