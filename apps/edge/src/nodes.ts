/**
 * The edges of this deployment, as they announce themselves in `edge.nodes`: where they are and which partitions they follow. An
 * announcement is a lease. So a client can be sent to an edge that reads its rooms already, and what concerns a device reaches
 * the edge that it is connected to.
 */
import { hash } from 'node:crypto'
import { type Batch, type Log, type LogRecord, partitionOf, type Tail } from '@roomlog/log'
import { recordVersion } from '@roomlog/protocol'
import type { Clock } from './ports.js'
import { type PresenceState, presenceStates } from './presence.js'

export type NodesPort = Pick<Log, 'partitions' | 'tail' | 'range' | 'produce'>

export interface NodesOptions {
  node: string
  /** What clients connect to. */
  url: string
  /** Partitions of rooms that are followed here now. */
  partitions(): number[]
  connections(): number
  onPresence(user: string, device: string, presence: PresenceState): void
  onFailure(error: unknown): void
}

interface Announced {
  url: string
  partitions: ReadonlySet<number>
  connections: number
  until: number
}

export interface Whereabouts {
  /** The best first; `rooms` are those of the question that it follows already. */
  edges: { url: string; rooms: string[] }[]
}

export class Nodes {
  private readonly nodes = new Map<string, Announced>()
  private tail: Tail | undefined
  private timer: { cancel(): void } | undefined
  private announced = ''
  private announcedAt = Number.NEGATIVE_INFINITY
  private over = false

  constructor(
    private readonly log: NodesPort,
    private readonly clock: Clock,
    private readonly options: NodesOptions,
  ) {}

  /** Announces this edge, and listens for the others. */
  async start(): Promise<void> {
    const { start } = await this.log.range(topic, 0)
    const onBatch = ({ records }: Batch) => {
      for (const record of records) this.receive(record)
    }
    this.tail = this.log.tail(topic, 0, start, onBatch, { onFailure: this.options.onFailure })
    this.tick()
  }

  /**
   * The edges for a client with these rooms: first who follows the most of them. Where nobody does, the order is the same for
   * everybody who asks, so that those who share a room meet.
   */
  where(rooms: readonly string[]): Whereabouts {
    const now = this.clock.now()
    const wanted = rooms.map((room) => ({ room, partition: partitionOf(room, this.log.partitions) }))
    const first = wanted[0]?.partition ?? 0
    const byUrl = new Map<string, { url: string; rooms: string[]; rank: string }>()
    for (const { url, partitions, until } of this.nodes.values()) {
      if (until <= now) continue
      const found = byUrl.get(url) ?? { url, rooms: [], rank: hash('sha256', `${first} ${url}`) }
      found.rooms = wanted.filter(({ room, partition }) => partitions.has(partition) || found.rooms.includes(room)).map(({ room }) => room)
      byUrl.set(url, found)
    }
    const edges = [...byUrl.values()].sort((a, b) => b.rooms.length - a.rooms.length || (a.rank < b.rank ? -1 : 1))
    return { edges: edges.map(({ url, rooms: followed }) => ({ url, rooms: followed })) }
  }

  /** Tells the other edges of a device that may be connected to one of them. */
  tellPresence(user: string, device: string, presence: PresenceState): void {
    const { node } = this.options
    // One key per edge: compaction keeps the last one only.
    this.write(`presence ${node}`, JSON.stringify({ user, device, presence }), 'presence')
  }

  /** Is named no more. Safe to call again. */
  async close(): Promise<void> {
    if (this.over) return
    this.over = true
    this.timer?.cancel()
    await this.tail?.stop()
    if (this.announced !== '') await this.log.produce(topic, 0, [{ key: this.options.node, value: null }]).catch(() => {})
  }

  /** Looks for a change every second; announces it, or the same again before the lease ends. */
  private tick(): void {
    if (this.over) return
    const { url, partitions, connections } = this.options
    const now = this.clock.now()
    const value = JSON.stringify({ url, partitions: partitions().sort((a, b) => a - b), connections: connections() })
    if (value !== this.announced || now - this.announcedAt >= renewMs) {
      this.announced = value
      this.announcedAt = now
      this.write(this.options.node, value, 'edge')
    }
    this.timer = this.clock.after(lookMs, () => this.tick())
  }

  private write(key: string, value: string, kind: string): void {
    if (this.over) return
    this.log.produce(topic, 0, [{ key, value, headers: { v: recordVersion, kind } }]).catch((error) => this.options.onFailure(error))
  }

  private receive({ key, value, headers, time }: LogRecord): void {
    if (key === null) return
    if (value === null) return void this.nodes.delete(key)
    const now = this.clock.now()
    // What is older than a lease was for others.
    const until = Math.min(time, now) + leaseMs
    if (until <= now) return
    try {
      const said = JSON.parse(value.toString())
      if (headers.kind === 'edge') this.nodes.set(key, { ...said, partitions: new Set(said.partitions), until })
      else if (headers.kind === 'presence' && presenceStates.includes(said.presence))
        this.options.onPresence(said.user, said.device, said.presence)
    } catch (error) {
      this.options.onFailure(error)
    }
  }
}

const topic = 'edge.nodes'
const lookMs = 1_000
const renewMs = 5_000
const leaseMs = 15_000
