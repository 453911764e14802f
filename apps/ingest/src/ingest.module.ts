import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { type Config, Health, LOGGER, type Logger, Metrics } from '@roomlog/runtime'
import { addDocuments } from './http/documents.js'
import { Reads } from './http/reads.js'
import { registerRoutes } from './http/routes.js'
import { EmbeddedIntake } from './kafka/embedded.js'
import { Intake } from './kafka/intake.js'
import { INTAKE, kafkaController } from './kafka/kafka.controller.js'
import { kafkaOptions, watchConsumer } from './kafka/transport.js'
import { closeParts, openParts, PARTS, type Parts } from './parts.js'

const READS = Symbol('reads')
const drainMsMax = 5_000

@Module({})
export class IngestModule {
  static register(config: Config): DynamicModule {
    return {
      module: IngestModule,
      controllers: isKafka(config) ? [kafkaController(`${config.topicPrefix}ingest.events`)] : [],
      providers: [
        {
          provide: PARTS,
          inject: [LOGGER, Metrics, Health],
          useFactory: (logger: Logger, metrics: Metrics, health: Health) => openParts({ config, logger, metrics, health }),
        },
        { provide: READS, useFactory: () => new Reads(config.persistenceUrl) },
        { provide: INTAKE, inject: [PARTS], useFactory: intakeOf },
        Ingest,
      ],
    }
  }

  /** Connects the Kafka door; to be run before the app listens (`prepare` of `serve`). */
  static prepare(config: Config) {
    return async (app: NestFastifyApplication): Promise<void> => {
      if (!isKafka(config)) return
      const consumer = app.connectMicroservice(kafkaOptions(config))
      watchConsumer(app.get(Health), consumer.status)
      await app.init()
      await app.startAllMicroservices()
    }
  }
}

/** What begins and ends with the app. */
@Injectable()
class Ingest implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly embedded: EmbeddedIntake | undefined

  constructor(
    @Inject(PARTS) private readonly parts: Parts,
    @Inject(READS) private readonly reads: Reads,
    @Inject(INTAKE) private readonly intake: Intake,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    const { log, config, logger } = parts
    if (!isKafka(config)) this.embedded = new EmbeddedIntake(log, intake, config, logger)
  }

  /** Routes stand before the server is ready, records flow when everything stands. */
  async onApplicationBootstrap(): Promise<void> {
    const server = this.host.httpAdapter.getInstance()
    registerRoutes(server, this.parts, this.reads)
    addDocuments(server, this.parts.config)
    await this.embedded?.start()
  }

  /** While the consumer still is there, so that what was taken is committed. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.race([this.intake.drain(), new Promise((resolve) => setTimeout(resolve, drainMsMax).unref())])
  }

  /** Listeners and consumers are closed by now: nothing new comes in. */
  async onApplicationShutdown(): Promise<void> {
    this.intake.stop()
    await this.embedded?.stop()
    await closeParts(this.parts)
    await this.reads.close()
  }
}

function intakeOf({ door, log, logger, config, metrics }: Parts): Intake {
  const records = metrics.counter('roomlog_ingest_records_total', 'records of ingest.events by what became of them', ['what'])
  return new Intake({ door, log, logger, limits: config.limits, onRecord: (what) => records.inc({ what }) })
}

function isKafka(config: Config): boolean {
  return config.logUrl.startsWith('kafka:')
}
