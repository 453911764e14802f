/**
 * The authorities of one process: one per partition that the log grants us, and family. What fails is begun anew from the
 * log, after a pause; what the log says must be repaired first stays stopped, and health says so.
 */
import { type Claim, RoomlogError } from '@roomlog/log'
import { commandsTopic, type Family, families } from '@roomlog/protocol'
import { Authority } from './authority.js'
import { bounds } from './bounds.js'
import { type Clock, pause, systemClock } from './clock.js'
import type { SiteOptions } from './site.js'

export type AuthoritiesOptions = Omit<SiteOptions, 'family' | 'partition'>

export const group = 'roomlog-acl'

export class Authorities {
  private readonly held = new Map<string, Held>()
  private readonly gate = new Gate(bounds.takeoversMax)
  private claim?: Claim
  private cancelWaking = () => {}

  constructor(private readonly of: AuthoritiesOptions) {}

  /** Asks the log for partitions. Who owns one is a matter of liveness only: two owners are slow, never wrong. */
  async start(): Promise<void> {
    this.wakeLater()
    this.claim = await this.of.log.claim(group, families.map(commandsTopic), {
      onGranted: (partitions) => this.each(partitions, (family, partition) => this.hold(family, partition)),
      onRevoked: async (partitions) => {
        const leaving: Promise<void>[] = []
        this.each(partitions, (family, partition) => leaving.push(this.leave(family, partition)))
        await Promise.all(leaving)
      },
    })
  }

  async stop(): Promise<void> {
    this.cancelWaking()
    await this.claim?.release()
    await Promise.all([...this.held.values()].map((held) => held.stop()))
  }

  get status(): (Authority['status'] & { family: Family; partition: number; state: Held['state']; reason?: string })[] {
    return [...this.held.values()].map(({ family, partition, state, reason, authority }) => ({
      family,
      partition,
      state,
      reason,
      ...emptyStatus,
      ...authority?.status,
    }))
  }

  private wakeLater(): void {
    this.cancelWaking = (this.of.clock ?? systemClock).after(bounds.wakeMs, () => {
      for (const { state, authority } of this.held.values()) if (state === 'deciding') authority?.wake()
      this.wakeLater()
    })
  }

  private hold(family: Family, partition: number): void {
    const key = `${family}/${partition}`
    if (!this.held.has(key)) this.held.set(key, new Held(this.of, family, partition, this.gate))
  }

  private async leave(family: Family, partition: number): Promise<void> {
    const key = `${family}/${partition}`
    const held = this.held.get(key)
    this.held.delete(key)
    await held?.stop()
  }

  private each(partitions: number[], act: (family: Family, partition: number) => void): void {
    for (const partition of partitions) for (const family of families) act(family, partition)
  }
}

/** One partition of one family, for as long as it is granted. */
class Held {
  state: 'taking over' | 'deciding' | 'failing' | 'stopped' = 'taking over'
  reason?: string
  authority?: Authority
  private leaving = false
  private leave!: () => void
  private readonly left = new Promise<void>((resolve) => {
    this.leave = resolve
  })
  private readonly clock: Clock
  private readonly done: Promise<void>

  constructor(
    private readonly of: AuthoritiesOptions,
    readonly family: Family,
    readonly partition: number,
    gate: Gate,
  ) {
    this.clock = of.clock ?? systemClock
    this.done = this.run(gate)
  }

  async stop(): Promise<void> {
    this.leaving = true
    this.leave()
    void this.authority?.stop()
    await Promise.race([this.done, pause(this.clock, bounds.retryMsMax)])
  }

  private async run(gate: Gate): Promise<void> {
    const { family, partition } = this
    for (let retryMs = bounds.retryMsMin; !this.leaving; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
      const began = this.clock.now()
      try {
        await gate.pass(async () => {
          if (this.leaving) return
          this.authority = new Authority({ ...this.of, family, partition })
          await this.authority.ready
        })
        this.state = 'deciding'
        this.reason = undefined
        await this.authority?.ended
      } catch (error) {
        this.reason = (error as Error).message
        this.state = error instanceof RoomlogError && !error.retriable ? 'stopped' : 'failing'
        this.of.observer.error(
          { family, partition, err: error },
          this.state === 'stopped' ? 'partition stopped: it needs repair' : 'partition failed: beginning anew',
        )
        if (this.clock.now() - began > bounds.retryMsMax) retryMs = bounds.retryMsMin
        // What is repaired from outside goes on without a restart.
        await Promise.race([pause(this.clock, this.state === 'stopped' ? bounds.repairMs : retryMs), this.left])
      }
    }
  }
}

/** So many at a time: a process that is granted everything takes it over a few partitions after the other. */
class Gate {
  private readonly waiting: (() => void)[] = []

  constructor(private free: number) {}

  async pass(act: () => Promise<void>): Promise<void> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.push(resolve))
    try {
      await act()
    } finally {
      const next = this.waiting.shift()
      if (next) next()
      else this.free++
    }
  }
}

const emptyStatus = { end: 0, cmd: -1, waiting: 0, parked: 0, rooms: 0, followUps: 0, checkpointAt: 0 }
