import { type DynamicModule, Module } from '@nestjs/common'
import { RoomlogFollower } from './follower.js'
import { type RoomlogOptions, SERVICE_OPTIONS } from './options.js'
import { RoomlogPublisher } from './publisher.js'

/** For an internal service with Kafka: `RoomlogPublisher` and `RoomlogFollower` to inject. */
@Module({})
export class RoomlogModule {
  static register(options: RoomlogOptions): DynamicModule {
    const providers = [{ provide: SERVICE_OPTIONS, useValue: options }, RoomlogPublisher, RoomlogFollower]
    return { module: RoomlogModule, global: true, providers, exports: providers }
  }
}
