import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { type Config, Health, LOGGER, type Logger, Metrics } from '@roomlog/runtime'
import { registerInternal } from './http/internal.js'
import { registerReads } from './http/reads.js'
import { closeParts, openParts, PARTS, type Parts } from './parts.js'

@Module({})
export class PersistenceModule {
  static register(config: Config): DynamicModule {
    return {
      module: PersistenceModule,
      providers: [
        {
          provide: PARTS,
          inject: [LOGGER, Metrics, Health],
          useFactory: (logger: Logger, metrics: Metrics, health: Health) => openParts({ config, logger, metrics, health }),
        },
        Persistence,
      ],
    }
  }
}

/** What begins and ends with the app. */
@Injectable()
class Persistence implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(PARTS) private readonly parts: Parts,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const server = this.host.httpAdapter.getInstance()
    registerReads(server, this.parts)
    registerInternal(server, this.parts)
    this.parts.revocations.start()
    await this.parts.archiver.start()
    this.parts.indexer.start()
  }

  /** Listeners are closed by now: nobody reads any more. */
  async onApplicationShutdown(): Promise<void> {
    await closeParts(this.parts)
  }
}
