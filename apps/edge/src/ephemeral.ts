/**
 * What is said in rooms and never kept: signals, typing, presence. Here subscriptions, leases and `room.ephemeral` meet, and the
 * operations that an edge serves itself are performed, whatever door they came through.
 */
import { validate } from '@roomlog/door'
import type { LogRecord } from '@roomlog/log'
import { type WireError, wireError } from '@roomlog/protocol'
import type { Input, Operation } from '@roomlog/protocol/operations'
import { type Attendant, Audience } from './audience.js'
import type { EdgeParts, Principal } from './edge.js'
import { EphemeralLog, type EphemeralPort } from './ephemeral-log.js'
import { Occupancy } from './occupancy.js'
import { Presence, type PresenceState } from './presence.js'
import { type SignalInput, Signals } from './signal.js'
import { Standings } from './standing.js'
import { Typing, type TypingInput } from './typing.js'

export type Performed = { ok: object } | { error: WireError }

export interface EphemeralOptions {
  log: EphemeralPort
  /** What this edge is called in its leases; another one after every start. */
  node: string
  lingerMs: number
  flush?(): void
  /** The presence of a device that is not connected here: some other edge may have it. */
  onPresence?(user: string, device: string, presence: PresenceState): void
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

  performs({ name }: Operation): boolean {
    return performed.has(name)
  }

  /** Never throws. */
  async perform(principal: Principal, operation: Operation, input: Input): Promise<Performed> {
    const fault = validate(operation, input)
    if (fault) return { error: fault }
    if (principal.anonymous && operation.needs !== 'anyone') return { error: wireError('unauthenticated', 'a token is needed to act') }
    try {
      const error = await this.performNow(principal, operation.name, input)
      return 'code' in error ? { error } : { ok: error }
    } catch (error) {
      this.edge.onFailure(error, operation.name)
      return { error: wireError('unavailable') }
    }
  }

  async close(): Promise<void> {
    this.presence.close()
    this.occupancy.close()
    this.typing.close()
    await this.log.close()
  }

  private async performNow(principal: Principal, name: string, input: Input): Promise<object | WireError> {
    switch (name) {
      case 'signal':
        return (
          (await this.standings.refusal(principal, input.room)) ??
          this.signals.publish(principal, input as SignalInput) ?? { room: input.room }
        )
      case 'typing': {
        const refusal = await this.standings.refusal(principal, input.room)
        if (!refusal) this.typing.publish(principal.user, input as TypingInput)
        return refusal ?? { room: input.room }
      }
      case 'presence':
        return (await this.standings.blindness(principal, input.room)) ?? (await this.present(input.room))
      case 'setPresence':
        if (!this.presence.set(principal.user, principal.device, input.presence))
          this.options.onPresence?.(principal.user, principal.device, input.presence)
        return { user: principal.user, presence: input.presence }
      default:
        return wireError('invalid', `there is no operation ${name}`, { field: 'op' })
    }
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

const performed = new Set(['signal', 'typing', 'presence', 'setPresence'])
/** In which every edge has told its leases once. */
const completeMs = 5_500
