/**
 * Many SDK clients, as a product has them: each in one room, each on one of the edges, with the SDK's own back-off. Each proves by
 * `seq` that nothing was lost and nothing came twice.
 *
 * Edges stand behind a balancer that is played by the socket factory: a new connection goes to one of the edges that are up. A cut
 * ends the TCP connection without a word; while a client is down its attempts fail as a lost network does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, connect } from '@roomlog/client'
import { WebSocket } from 'ws'
import type { Deployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { inParallel } from './wire.ts'

export interface Member {
  client: Client
  room: string
  edge: string
  /** `seq` of the last event that came; everything up to here came once. */
  last: number
  lost: number
  duplicates: number
  resets: number
  socket: WebSocket | undefined
  downUntil: number
  connectedAt: number
  /** From each reconnect to the tail, in milliseconds. */
  catchUpsMs: number[]
}

export interface FleetOptions {
  clients: number
  rooms: number
  /** Events a second, in each room. */
  rate: number
}

export class Fleet {
  readonly members: Member[] = []
  readonly up: Set<string>
  /** When each connection was authenticated, by `performance.now()`. */
  readonly connects: number[] = []
  published = 0
  failures = 0
  private readonly ends = new Map<string, number>()
  private readonly deployment: Deployment
  private talking: Promise<void> | undefined
  private stopped = false

  private constructor(deployment: Deployment) {
    this.deployment = deployment
    this.up = new Set(deployment.urls)
  }

  static async start(deployment: Deployment, options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(deployment)
    const owner = await deployment.tokens.user('owner')
    for (let i = 0; i < options.rooms; i++) {
      const { room, seq } = await new Caller(deployment.urls[0]!, owner).done('/v1/rooms', { access: 'public', history: 'world' })
      fleet.ends.set(room, seq ?? 0)
    }
    const rooms = [...fleet.ends.keys()]
    await inParallel(options.clients, 20, (i) => fleet.enter(`fleet-${i}`, rooms[i % rooms.length]!))
    fleet.talking = fleet.talk(options.rate)
    return fleet
  }

  /** Ends the member's connection without a word and keeps it away for so long. */
  cut(member: Member, downMs: number): void {
    member.downUntil = performance.now() + downMs
    member.socket?.terminate()
  }

  on(edge: string): Member[] {
    return this.members.filter((member) => member.edge === edge)
  }

  get disconnected(): number {
    return this.members.filter(({ client }) => client.state !== 'connected').length
  }

  /** Stops publishing and waits until everybody has everything, at most so long. Returns what is still missing. */
  async settle(msMax: number): Promise<number> {
    this.stopped = true
    await this.talking
    const deadline = performance.now() + msMax
    const missing = () => this.members.reduce((sum, { room, last }) => sum + Math.max((this.ends.get(room) ?? 0) - last, 0), 0)
    while (missing() > 0 && performance.now() < deadline) await sleep(100)
    return missing()
  }

  /** Most connects in one second since `from`. */
  connectRateMax(from: number): number {
    const times = this.connects.filter((at) => at >= from)
    let most = 0
    for (let first = 0, last = 0; last < times.length; last++) {
      while (times[last]! - times[first]! > 1_000) first++
      most = Math.max(most, last - first + 1)
    }
    return most
  }

  total(figure: 'lost' | 'duplicates' | 'resets'): number {
    return this.members.reduce((sum, member) => sum + member[figure], 0)
  }

  close(): void {
    this.stopped = true
    for (const { client } of this.members) client.close()
  }

  private async enter(user: string, room: string): Promise<void> {
    const { tokens, urls } = this.deployment
    const member: Member = {
      client: undefined as never,
      room,
      edge: '',
      last: 0,
      lost: 0,
      duplicates: 0,
      resets: 0,
      socket: undefined,
      downUntil: 0,
      connectedAt: 0,
      catchUpsMs: [],
    }
    const token = await tokens.user(user)
    member.client = connect({
      url: urls[0]!,
      token,
      webSocket: (_url, protocols) => {
        if (performance.now() < member.downUntil) throw new Error('the network is gone')
        const edges = [...this.up]
        member.edge = edges[Math.floor(Math.random() * edges.length)] ?? urls[0]!
        member.socket = new WebSocket(`${member.edge.replace(/^http/, 'ws')}/v1/ws`, protocols, { perMessageDeflate: false })
        return member.socket as never
      },
    })
    member.client.on('error', () => {})
    member.client.on('state', ({ state }) => {
      if (state !== 'connected') return
      member.connectedAt = performance.now()
      this.connects.push(member.connectedAt)
    })
    const stream = member.client.room(room).subscribe(
      {},
      {
        ready: ({ seq }) => {
          if (member.last === 0) member.last = seq ?? 0
        },
        live: () => void member.catchUpsMs.push(performance.now() - member.connectedAt),
        reset: () => void member.resets++,
        event: ({ event }) => {
          if (event.seq <= member.last) member.duplicates++
          else {
            if (member.last > 0) member.lost += event.seq - member.last - 1
            member.last = event.seq
          }
        },
      },
    )
    this.members.push(member)
    await stream.ready
  }

  private async talk(rate: number): Promise<void> {
    const token = await this.deployment.tokens.service('talker')
    await Promise.all([...this.ends.keys()].map((room) => this.talkIn(room, rate, token)))
  }

  private async talkIn(room: string, rate: number, token: string): Promise<void> {
    for (let n = 0; !this.stopped; n++) {
      const due = performance.now() + 1_000 / rate
      const idempotencyKey = `${room}-${n}`
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const [edge] = [...this.up].sort(() => Math.random() - 0.5)
        try {
          const { seq } = await new Caller(edge!, token).publish(room, `event ${n}`, { idempotencyKey })
          this.ends.set(room, seq)
          this.published++
          break
        } catch {
          this.failures++
          await sleep(200)
        }
      }
      await sleep(Math.max(due - performance.now(), 0))
    }
  }
}

/** Of one event: with its key it is one event however often it is sent. */
const attemptsMax = 50

/** Clients of a benchmark: what the issue asks for, unless the machine cannot carry it. */
export const fleetClients = (wanted: number) => Number(process.env.ROOMLOG_BENCH_CLIENTS ?? wanted)
export const scale = Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
