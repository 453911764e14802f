/**
 * Production authorities on a simulated log, with clients that do what clients do, and faults drawn from a seed.
 * One slot per (family, partition); in each live one, two or no authorities, which are killed, paused, doubled and handed over.
 */
import { partitionOf } from '@roomlog/log'
import {
  type CommandValue,
  commandsTopic,
  encodeCommand,
  eventsTopic,
  type Family,
  families,
  familyOf,
  stateTopic,
} from '@roomlog/protocol'
import { Authority } from '../authority.js'
import type { Bounds } from '../bounds.js'
import { Figures } from '../observer.js'
import { ReferenceCache } from '../references.js'
import { domainRules } from '../rules.js'
import { stopwatch } from '../slice.js'
import { Clients } from './clients.js'
import { Random } from './random.js'
import { type Faults, noFaults, SimBroker, SimLog } from './sim-log.js'
import { Stage } from './stage.js'

export interface SimulationOptions {
  seed: number
  partitions?: number
  steps?: number
  faults?: Partial<Faults>
  /** Per step: how likely a process is killed, paused, doubled or hands over. */
  trouble?: number
}

/** Small bounds, so that everything that happens beyond one happens often. */
export const tightBounds: Partial<Bounds> = {
  batchCommandsMax: 4,
  checkpointEventsMax: 12,
  checkpointMsMax: 400,
  chunkBytesMax: 500,
  checkpointBytesMax: 900,
  parkedMax: 12,
  followUpBatchMax: 2,
}

interface Process {
  log: SimLog
  authority: Authority
  paused: boolean
  over: boolean
}

export class Simulation {
  readonly random: Random
  readonly stage: Stage
  readonly broker: SimBroker
  readonly figures = new Figures()
  readonly clients: Clients
  /** Rare states met. */
  readonly met = new Map<string, number>()
  private readonly slots = new Map<string, Process[]>()
  private faults: Faults

  constructor(private readonly of: SimulationOptions) {
    stopwatch.now = () => 0
    this.random = new Random(of.seed)
    this.stage = new Stage(this.random)
    this.broker = new SimBroker(this.stage, of.partitions ?? 2)
    this.faults = { ...noFaults, ...of.faults }
    this.clients = new Clients(this.broker, this.random)
  }

  /** Faults and load for the given steps; then all heals, and everybody gets an answer. */
  async run(): Promise<void> {
    const { steps = 3_000, trouble = 0.004 } = this.of
    this.each((family, partition) => this.start(family, partition))
    for (let step = 0; step < steps; step++) {
      this.clients.act(this.stage.now())
      if (this.random.chance(trouble)) await this.trouble()
      if (this.random.chance(trouble * 2)) this.resumeOne()
      await this.stage.step(1_000)
    }
    await this.heal()
  }

  async heal(): Promise<void> {
    this.faults = noFaults
    this.each((family, partition) => {
      for (const process of this.slot(family, partition)) this.kill(process)
      this.start(family, partition)
    })
    for (let step = 0; step < 200_000; step++) {
      this.clients.finish(this.stage.now())
      if (this.clients.idle && this.quiet) return
      await this.stage.step(60_000)
    }
    throw new Error(
      `seed ${this.of.seed}: no rest: ${this.clients.outstanding} outstanding, ${JSON.stringify(
        [...this.slots.values()]
          .flat()
          .filter((p) => !p.over)
          .map((p) => p.authority.status),
      )}`,
    )
  }

  /** All commands decided, all follow-ups acknowledged. */
  private get quiet(): boolean {
    let quiet = true
    this.each((family, partition) => {
      const { cmd, followUps, parked } = this.slot(family, partition).at(-1)!.authority.status
      quiet &&= cmd === this.broker.records(commandsTopic(family), partition).length - 1 && followUps === 0 && parked === 0
    })
    return quiet
  }

  send(command: CommandValue, origin: string, reply?: string): void {
    const headers: Record<string, string> = { v: '1', origin }
    if (reply !== undefined) headers['reply'] = reply
    this.broker.write(commandsTopic(familyOf(command.room)), partitionOf(command.room, this.broker.partitions), [
      { key: command.room, value: encodeCommand(command), headers },
    ])
  }

  slot(family: Family, partition: number): Process[] {
    const key = `${family}/${partition}`
    let slot = this.slots.get(key)
    if (!slot) this.slots.set(key, (slot = []))
    return slot
  }

  start(family: Family, partition: number): Process {
    const log = new SimLog(this.broker, this.faults)
    const authority = new Authority({
      log,
      family,
      partition,
      rules: domainRules(),
      observer: this.figures,
      cache: new ReferenceCache(2_000),
      newId: () => `i${this.random.below(1_000_000)}`,
      clock: this.stage,
      bounds: { ...tightBounds, batchCommandsMax: 1 + this.random.below(5) },
    })
    const process: Process = { log, authority, paused: false, over: false }
    this.slot(family, partition).push(process)
    authority.ended.catch((error: Error) => {
      if (process.over) return
      process.over = true
      this.meet(`ended: ${error.message.slice(0, 40)}`)
      this.start(family, partition)
    })
    return process
  }

  kill(process: Process): void {
    process.over = true
    process.log.dead = true
    process.log.resume()
  }

  meet(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1)
  }

  each(act: (family: Family, partition: number) => void): void {
    for (const family of families) for (let partition = 0; partition < this.broker.partitions; partition++) act(family, partition)
  }

  private async trouble(): Promise<void> {
    const family = this.random.pick(families)
    const partition = this.random.below(this.broker.partitions)
    const live = this.slot(family, partition).filter(({ over }) => !over)
    const process = this.random.pick(live)
    switch (this.random.below(5)) {
      case 0: {
        this.kill(process)
        if (live.length === 1) this.start(family, partition)
        return this.meet('kill')
      }
      case 1: {
        process.paused = true
        process.log.pause(this.random.chance(0.5) ? '.state' : undefined)
        this.start(family, partition)
        return this.meet('pause and take-over')
      }
      case 2: {
        if (live.length > 2) return
        this.start(family, partition)
        return this.meet('two owners')
      }
      case 3: {
        if (process.paused) return
        process.over = true
        void process.authority.stop()
        if (live.length === 1) this.start(family, partition)
        return this.meet('hand-over')
      }
      default: {
        this.broker.compact(stateTopic(family), partition)
        return this.meet('compaction')
      }
    }
  }

  private resumeOne(): void {
    const paused = [...this.slots.values()].flat().filter((process) => process.paused && !process.over)
    if (paused.length === 0) return
    const process = this.random.pick(paused)
    process.paused = false
    process.log.resume()
    this.meet('resume')
  }

  events(family: Family, partition: number) {
    return this.broker
      .records(eventsTopic(family), partition)
      .filter((record) => record && record.headers['offset'] === String(record.offset))
  }
}
