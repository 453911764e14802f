import { type DynamicModule, Module } from '@nestjs/common'
import type { Config } from '@roomlog/runtime'
import { AclService } from './acl.service.js'

/** The authority. Its configuration comes from the runtime's module around it. */
@Module({})
export class AclModule {
  static register(_config: Config): DynamicModule {
    return { module: AclModule, providers: [AclService], exports: [AclService] }
  }
}
