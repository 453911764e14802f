import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common'
import type { Config } from './config.js'
import { Health } from './health.js'
import type { Logger } from './logger.js'
import { Metrics } from './metrics.js'

/** Injection token of the process's configuration. */
export const CONFIG = Symbol('config')
/** Injection token of the app's logger. */
export const LOGGER = Symbol('logger')

export interface RuntimeParts {
  config: Config
  logger: Logger
  health: Health
  metrics: Metrics
}

/**
 * The root of a served app: its module, and for all of its classes `@Inject(CONFIG)`, `@Inject(LOGGER)`, `@Inject(Health)`
 * and `@Inject(Metrics)`.
 */
@Module({})
export class RuntimeModule {
  static around(module: Type | DynamicModule, parts: RuntimeParts): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: parts.config },
      { provide: LOGGER, useValue: parts.logger },
      { provide: Health, useValue: parts.health },
      { provide: Metrics, useValue: parts.metrics },
    ] satisfies ModuleMetadata['providers']
    return { module: RuntimeModule, global: true, imports: [module], providers, exports: providers }
  }
}
