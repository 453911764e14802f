import { type DynamicModule, Module } from '@nestjs/common'
import type { Config } from '@roomlog/runtime'
import { EdgeService } from './edge.service.js'

/** The edge: connections, subscriptions, replay. Its configuration comes from the runtime's module around it. */
@Module({})
export class EdgeModule {
  static register(_config: Config): DynamicModule {
    return { module: EdgeModule, providers: [EdgeService], exports: [EdgeService] }
  }
}
