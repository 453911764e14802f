/**
 * The edge without Nest and without sockets: what sessions share. A test builds it with `new` from a memory log,
 * a fake clock and a history.
 */
import { randomBytes } from 'node:crypto'
import { Counter } from '@roomlog/door'
import type { Limits, Logger } from '@roomlog/runtime'
import { Chunks } from './chunks.js'
import type { Counts } from './counts.js'
import type { CommandInput, DoorPort, Principal, ReadPort } from './door.js'
import { Ephemeral } from './ephemeral.js'
import type { EphemeralPort } from './ephemeral-log.js'
import { Live } from './live.js'
import { Nodes } from './nodes.js'
import type { Clock, EventLog, History } from './ports.js'
import { Replay } from './replay.js'
import { RingBudget } from './ring.js'
import { Rooms } from './rooms.js'
import { Tickets } from './ticket.js'

export type { CommandInput, DoorPort, Principal, ReadPort }

export interface EdgeOptions {
  log: EventLog & EphemeralPort
  history: History
  door: DoorPort
  reads: ReadPort
  clock: Clock
  limits: Limits
  /** The deployment's, for tickets. */
  secret: string
  /** What clients connect to. */
  publicUrl: string
  counts: Counts
  logger: Logger
  lingerMs?: number
  /** Flushes what was written to sockets while a batch was handed on. */
  flush?(): void
}

export class EdgeParts {
  readonly rooms: Rooms
  readonly chunks: Chunks
  readonly replay: Replay
  readonly history: History
  readonly tickets: Tickets
  readonly ephemeral: Ephemeral
  readonly nodes: Nodes
  readonly live: Live
  readonly door: DoorPort
  readonly reads: ReadPort
  readonly clock: Clock
  readonly limits: Limits
  readonly counts: Counts
  readonly logger: Logger
  /** Whether what comes and goes is logged one by one. */
  readonly debugging: boolean
  private readonly users: Counter
  private readonly addresses: Counter

  constructor(options: EdgeOptions) {
    const { log, history, clock, limits, counts, logger } = options
    this.history = history
    this.tickets = new Tickets(options.secret)
    this.clock = clock
    this.limits = limits
    this.counts = counts
    this.logger = logger
    this.debugging = logger.isLevelEnabled('debug')
    this.users = new Counter(limits.userConnections)
    this.addresses = new Counter(limits.addressConnections)
    this.door = options.door
    this.reads = options.reads
    const lingerMs = options.lingerMs ?? lingerMsDefault
    const budget = new RingBudget(limits.ringBytes)
    this.chunks = new Chunks(log, chunkBytesMax)
    this.rooms = new Rooms(log, history, this.chunks, clock, {
      budget,
      lingerMs,
      attendance: {
        enter: (room, attendant) => this.ephemeral.enter(room, attendant),
        leave: (room, attendant) => this.ephemeral.leave(room, attendant),
      },
      onBatch: ({ topic, partition }, records) => {
        counts.received(records)
        if (this.debugging && records > 0) logger.debug({ topic, partition, records }, 'events received')
        options.flush?.()
      },
      onFailure: (error) => this.onFailure(error, 'feed'),
    })
    const node = randomBytes(9).toString('base64url')
    this.ephemeral = new Ephemeral(this, { log, node, lingerMs, flush: options.flush })
    this.nodes = new Nodes(log, clock, {
      node,
      url: options.publicUrl,
      partitions: () => this.rooms.partitions(),
      connections: () => counts.connections,
      onPresence: (user, device, presence) => this.ephemeral.presence.set(user, device, presence),
      onFailure: (error) => this.onFailure(error, 'nodes'),
    })
    this.live = new Live(this)
    this.replay = new Replay(this.chunks, history, { recordsMax: limits.replayRecords, pageEvents: limits.pageEvents })
    counts.watch({
      fetched: () => log.stats?.().fetchedBytes ?? {},
      rings: () => budget.bytes,
      feeds: () => this.rooms.feedCount,
      chunks: () => this.chunks.bytes,
    })
  }

  /** Counts a connection of a user, or of an address where there is no token. False = too many; else `leave` gives it back. */
  enter(principal: Principal, address: string): boolean {
    const entered = principal.anonymous ? this.addresses.enter(address) : this.users.enter(principal.user)
    if (!entered) this.counts.limitHit(principal.anonymous ? 'address_connections' : 'user_connections')
    return entered
  }

  leave(principal: Principal, address: string): void {
    if (principal.anonymous) this.addresses.leave(address)
    else this.users.leave(principal.user)
  }

  onFailure(error: unknown, where: string): void {
    this.counts.failed(where)
    this.logger.warn({ err: error, where }, 'an edge part failed')
  }

  async close(): Promise<void> {
    await this.nodes.close()
    await this.ephemeral.close()
    await this.rooms.close()
  }
}

const lingerMsDefault = 30_000
/** Reads of the log that are kept for the next who resumes near by. */
const chunkBytesMax = 32 * 1024 * 1024
