/** The edge's life inside Nest: opens the log and the door, attaches the transports, and ends in the reverse order. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { type Authenticator, authenticatorOf, type Door, doorOf } from '@roomlog/door'
import { type Log, openLog } from '@roomlog/log'
import { topics } from '@roomlog/protocol'
import { CONFIG, type Config, Health, LOGGER, type Logger, Metrics, originAllowed, webAddress } from '@roomlog/runtime'
import type { FastifyInstance } from 'fastify'
import { edgeTimes } from './config.js'
import { Counts } from './counts.js'
import type { CommandInput, DoorPort } from './door.js'
import { EdgeParts } from './edge.js'
import { liveRoutes } from './live-routes.js'
import { Flusher } from './outbox.js'
import { systemClock } from './ports.js'
import { proxy } from './proxy.js'
import { readsByRight } from './rights.js'
import { traceCommand } from './trace.js'
import { LongPoll } from './transports/longpoll.js'
import { EventStreams } from './transports/sse.js'
import { WebsocketTransport } from './transports/websocket.js'
import { HttpHistory, HttpReads, upstreamAgent } from './upstream.js'
import { warmUp } from './warm.js'

@Injectable()
export class EdgeService implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly agent = upstreamAgent()
  private log!: Log
  private door!: Door
  private edge!: EdgeParts
  private websocket!: WebsocketTransport
  private longPoll!: LongPoll
  private streams!: EventStreams
  private readonly ownUrls: string[] = []

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  async onModuleInit(): Promise<void> {
    const { config, logger, metrics, agent } = this
    const times = edgeTimes(config)
    this.log = await openLog(config.logUrl, {
      partitions: config.partitions,
      topicPrefix: config.topicPrefix,
      kafka: kafkaOf(config),
      onFailure: (error) => logger.warn({ err: error }, 'the log had a failure'),
    })
    const { risks } = await this.log.prepare(topics, config.durability)
    for (const risk of risks) logger.warn({ risk }, 'acknowledged events may be lost')
    this.door = doorOf({ config, log: this.log, logger, metrics })
    const flusher = new Flusher()
    this.edge = new EdgeParts({
      log: this.log,
      history: new HttpHistory({ url: config.persistenceUrl, secret: config.secret, agent }),
      door: doorPort(this.door, authenticatorOf(config)),
      reads: new HttpReads({ url: config.ingestUrl, agent }),
      clock: systemClock,
      limits: config.limits,
      secret: config.secret,
      publicUrl: config.publicUrl,
      counts: new Counts(metrics),
      logger,
      lingerMs: times.lingerMs,
      flush: flusher.flush,
    })
    this.websocket = new WebsocketTransport({
      edge: this.edge,
      flusher,
      originAllowed: (origin) => originAllowed(origin, config, this.ownUrls),
      trustProxy: config.trustProxy as boolean,
      echo: config.testEcho,
      compression: config.compression,
      pingMs: times.pingMs,
      slowMs: times.slowMs,
    })
    const server = this.host.httpAdapter.getInstance<FastifyInstance>()
    liveRoutes(server, { edge: this.edge, trustProxy: config.trustProxy })
    const streaming = { edge: this.edge, trustProxy: config.trustProxy as boolean, pingMs: times.pingMs, slowMs: times.slowMs }
    this.longPoll = new LongPoll(streaming)
    this.longPoll.attach(server)
    this.streams = new EventStreams(streaming)
    this.streams.attach(server)
    proxy(server, { url: config.ingestUrl, agent, trustProxy: config.trustProxy as boolean })
    this.websocket.attach(this.host.httpAdapter.getHttpServer() as Server)
  }

  async onApplicationBootstrap(): Promise<void> {
    await Promise.all([this.door.start(), warmUp(this.log)])
    await this.edge.nodes.start()
    const server = this.host.httpAdapter.getHttpServer() as Server
    server.once('listening', () => this.ownUrls.push(...urlsOf(server.address() as AddressInfo)))
    this.health.ready('edge', () => ({
      ok: true,
      connections: this.websocket.size,
      streams: this.streams.size,
      feeds: this.edge.rooms.feedCount,
    }))
  }

  async onModuleDestroy(): Promise<void> {
    this.longPoll?.drain()
    this.streams?.drain()
    await this.websocket?.drain(edgeTimes(this.config).drainMs)
    await this.edge?.close()
    await this.door?.stop()
    await this.log?.close()
    await this.agent.close()
  }
}

function doorPort(door: Door, authenticator: Authenticator): DoorPort {
  return {
    authenticate: (token) => authenticator.authenticate(token),
    isRevoked: (principal) => door.isRevoked(principal),
    reads: readsByRight,
    submit: (principal, input: CommandInput) => traceCommand((traceparent) => door.do(principal, input, { traceparent })),
  }
}

function kafkaOf({ kafka }: Config) {
  return { ...(kafka.tls ? { tls: kafka.tls === true ? true : { ...kafka.tls } } : {}), ...(kafka.sasl ? { sasl: { ...kafka.sasl } } : {}) }
}

/** How a page that we serve ourselves names us. */
function urlsOf({ address, port }: AddressInfo): string[] {
  const named = webAddress({ host: address, port })
  return address === '127.0.0.1' || address === '::1' ? [named, webAddress({ host: 'localhost', port })] : [named]
}
