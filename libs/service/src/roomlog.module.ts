import { type DynamicModule, Module } from '@nestjs/common'
import { RoomlogFollower } from './follower.js'
import { ROOMLOG_OPTIONS, type RoomlogOptions } from './options.js'
import { RoomlogPublisher } from './publisher.js'

/** For an internal service with Kafka: `RoomlogPublisher` and `RoomlogFollower` to inject. */
@Module({})
export class RoomlogModule {
  static register(options: RoomlogOptions): DynamicModule {
    const providers = [{ provide: ROOMLOG_OPTIONS, useValue: options }, RoomlogPublisher, RoomlogFollower]
    return { module: RoomlogModule, global: true, providers, exports: providers }
  }
}
