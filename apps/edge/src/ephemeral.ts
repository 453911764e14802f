/**
 * What is said in rooms and never kept: signals, typing, presence. Here subscriptions, leases and `room.ephemeral` meet.
 */
import type { LogRecord } from '@roomlog/log'
import type { WireError } from '@roomlog/protocol'
import { type Attendant, Audience } from './audience.js'
import type { EdgeParts, Principal } from './edge.js'
import { EphemeralLog, type EphemeralPort } from './ephemeral-log.js'
import { Occupancy } from './occupancy.js'
import { Presence } from './presence.js'
import { type SignalInput, Signals } from './signal.js'
import { Standings } from './standing.js'
import { Typing, type TypingInput } from './typing.js'

export interface EphemeralOptions {
  log: EphemeralPort
  /** What this edge is called in its leases; another one after every start. */
  node: string
  lingerMs: number
  flush?(): void
}

export class Ephemeral {
  readonly presence: Presence
  private readonly log: EphemeralLog
  private readonly audience: Audience
  private readonly signals: Signals
  private readonly typing: Typing
  private readonly occupancy: Occupancy
  private readonly standings: Standings
  private readonly held = new Map<string, number>()
  private readonly asking = new Set<string>()

  constructor(
    private readonly edge: EdgeParts,
    private readonly options: EphemeralOptions,
  ) {
    const { clock, counts, limits } = edge
    this.log = new EphemeralLog(options.log, clock, {
      lingerMs: options.lingerMs,
      onRecord: (record) => this.receive(record),
      onBatch: options.flush,
      onFailure: (error) => edge.onFailure(error, 'ephemeral'),
    })
    this.audience = new Audience({ onDelivered: counts.signalled, onDropped: counts.signalDropped })
    this.signals = new Signals(this.log, this.audience, limits)
    this.typing = new Typing(this.log, this.audience, clock, limits)
    const presence = { leaseMs: limits.presenceLeaseMs, membersMax: limits.presenceMembers }
    this.presence = new Presence(this.log, clock, { edge: options.node, ...presence, onPublished: counts.leased })
    this.occupancy = new Occupancy(this.audience, clock, presence)
    this.standings = new Standings(edge)
  }

  /** A subscription begins: its room is on screen here. */
  enter(room: string, attendant: Attendant): void {
    if (room.startsWith('@')) return
    const { user, device } = attendant.context.viewer
    this.hold(room)
    this.audience.enter(room, attendant)
    if (user !== '') this.presence.enter(room, user, device, attendant.access)
  }

  leave(room: string, attendant: Attendant): void {
    if (room.startsWith('@')) return
    const { user, device } = attendant.context.viewer
    this.audience.leave(room, attendant)
    if (user !== '') this.presence.leave(room, user, device)
    this.release(room)
  }

  /** The answer, or why it was not said. */
  async signal(principal: Principal, input: SignalInput): Promise<object | WireError> {
    const refusal = await this.standings.refusal(principal, input.room)
    return refusal ?? this.signals.publish(principal, input) ?? { room: input.room }
  }

  async type(principal: Principal, input: TypingInput): Promise<object | WireError> {
    const refusal = await this.standings.refusal(principal, input.room)
    if (!refusal) this.typing.publish(principal.user, input)
    return refusal ?? { room: input.room }
  }

  async presentIn(principal: Principal, room: string): Promise<object | WireError> {
    return (await this.standings.blindness(principal, room)) ?? this.present(room)
  }

  async close(): Promise<void> {
    this.presence.close()
    this.occupancy.close()
    this.typing.close()
    await this.log.close()
  }

  /** Of a room that nobody here follows, from the newest leases in the log; it is followed for a while then. */
  private async present(room: string): Promise<object> {
    if (!this.occupancy.isComplete(room, completeMs)) {
      if (!this.asking.has(room)) {
        this.asking.add(room)
        this.hold(room)
        this.edge.clock.after(this.options.lingerMs, () => {
          this.asking.delete(room)
          this.release(room)
        })
      }
      const records = await this.log.recent(room)
      const now = this.edge.clock.now()
      // The log's clock may be ahead of ours.
      for (const record of records) if (record.headers.kind === 'presence') this.occupancy.receive(record, Math.min(record.time, now))
    }
    return this.occupancy.present(room)
  }

  private hold(room: string): void {
    const uses = this.held.get(room) ?? 0
    this.held.set(room, uses + 1)
    if (uses > 0) return
    this.occupancy.want(room)
    this.log.follow(room)
  }

  private release(room: string): void {
    const uses = this.held.get(room) ?? 0
    if (uses > 1) return void this.held.set(room, uses - 1)
    this.held.delete(room)
    this.occupancy.unwant(room)
    this.log.release(room)
  }

  private receive(record: LogRecord): void {
    switch (record.headers.kind) {
      case 'signal':
        return this.signals.receive(record)
      case 'typing':
        return this.typing.receive(record)
      case 'presence':
        return this.occupancy.receive(record)
    }
  }
}

/** In which every edge has told its leases once. */
const completeMs = 5_500
