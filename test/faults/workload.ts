/**
 * People who talk: SDK clients over the edges, each in some of the rooms, publishing at a fixed total rate. Now and then
 * one is kicked and comes back. Everything that they do and see goes into the history.
 */
import { type Client, ClientError, connect, type Delivery } from '@roomlog/client'
import type { Deployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { digestOf, History } from './history.ts'
import { Random } from './random.ts'

export interface WorkloadOptions {
  clients: number
  rooms: number
  /** How many clients are in each room. */
  membersPerRoom: number
  /** Events per second, of all clients together. */
  rate: number
  seed: number
}

interface Person {
  user: string
  client: Client
  rooms: Set<string>
}

const tickMs = 10
/** One kick in so many messages. */
const messagesPerKick = 400

export class Workload {
  readonly history = new History()
  readonly rooms: string[] = []
  private readonly people: Person[] = []
  private readonly owners = new Map<string, Person>()
  private readonly random: Random
  private wishes = 0
  private streams = 0
  private timer: NodeJS.Timeout | undefined

  private readonly deployment: Deployment
  private readonly options: WorkloadOptions

  private constructor(deployment: Deployment, options: WorkloadOptions) {
    this.deployment = deployment
    this.options = options
    this.random = new Random(options.seed)
  }

  static async start(deployment: Deployment, options: WorkloadOptions): Promise<Workload> {
    const workload = new Workload(deployment, options)
    await workload.settleIn()
    return workload
  }

  /** Publishes until `stop`. */
  begin(): void {
    let due = 0
    let last = performance.now()
    this.timer = setInterval(() => {
      const now = performance.now()
      due += ((now - last) * this.options.rate) / 1_000
      last = now
      for (; due >= 1; due--) this.speak()
    }, tickMs)
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** How many wishes still wait for their outcome. */
  get outstanding(): number {
    return this.people.reduce((sum, person) => sum + person.client.outstanding, 0)
  }

  get published(): number {
    return this.wishes
  }

  close(): void {
    this.stop()
    for (const { client } of this.people) client.close()
  }

  private async settleIn(): Promise<void> {
    const { clients, rooms, membersPerRoom } = this.options
    for (let i = 0; i < clients; i++) {
      const user = `person-${i}`
      const url = this.deployment.urls[i % this.deployment.urls.length]!
      const client = connect({ url, token: () => this.deployment.tokens.user(user, 'd') })
      client.on('error', () => {})
      this.people.push({ user, client, rooms: new Set() })
    }
    await Promise.all(this.people.map(({ client }) => client.open()))
    for (let i = 0; i < rooms; i++) {
      const members = Array.from({ length: membersPerRoom }, (_, k) => this.people[(i + k * 7) % clients]!)
      const owner = new Caller(this.deployment.urls[0]!, await this.deployment.tokens.user(members[0]!.user, 'd'))
      const { room } = await owner.done('/v1/rooms', { access: 'public', history: 'joined', name: `room ${i}` })
      this.rooms.push(room)
      this.owners.set(room, members[0]!)
      for (const person of new Set(members)) {
        if (person !== members[0]) await person.client.room(room).join()
        person.rooms.add(room)
        await this.subscribe(person, room)
      }
    }
  }

  private async subscribe(person: Person, room: string): Promise<void> {
    const name = `${person.user}/${this.streams++}`
    let begun = false
    const begin = (seq: number) => {
      if (!begun) this.history.add({ kind: 'subscribed', stream: name, user: person.user, room, seq })
      begun = true
    }
    const stream = person.client.room(room).subscribe(
      {},
      {
        ready: (at) => begin(at.seq ?? 0),
        event: (delivery) => {
          begin(delivery.after)
          this.delivered(name, delivery)
        },
        end: (ending) => this.history.add({ kind: 'ended', stream: name, seq: ending.seq ?? 0 }),
        reset: () => this.history.add({ kind: 'ended', stream: name, seq: 0 }),
      },
    )
    await stream.ready
  }

  private delivered(stream: string, { event, after }: Delivery): void {
    const wish = (event.content as { wish?: string } | null)?.wish
    this.history.add({
      kind: 'delivered',
      stream,
      seq: event.seq,
      event: event.id,
      digest: digestOf(event),
      after,
      ...(wish ? { wish } : {}),
    })
  }

  private speak(): void {
    const person = this.random.pick(this.people)
    if (person.rooms.size === 0) return
    const room = this.random.pick([...person.rooms])
    const wish = `${person.user}-${this.wishes++}`
    const action = person.client.room(room).publish('msg.text', { wish })
    this.history.add({ kind: 'invoked', wish, user: person.user, room, actionId: action.id })
    action.done.then(
      ({ seq, event }) => this.history.add({ kind: 'ok', wish, seq, event }),
      (error: unknown) => this.failed(wish, error),
    )
    if (this.wishes % messagesPerKick === 0) void this.removeAndReturn(room)
  }

  private failed(wish: string, error: unknown): void {
    const code = error instanceof ClientError ? error.code : 'unknown'
    this.history.add(code === 'unknown' ? { kind: 'unknown', wish } : { kind: 'refused', wish, code })
  }

  /** The owner (who made the room) kicks a member; the member comes back and subscribes anew. */
  private async removeAndReturn(room: string): Promise<void> {
    const owner = this.owners.get(room)!
    const target = this.people.findLast((person) => person !== owner && person.rooms.has(room))
    if (!target) return
    target.rooms.delete(room)
    try {
      await owner.client.room(room).kick(target.user)
      await target.client.room(room).join()
      await this.subscribe(target, room)
      target.rooms.add(room)
    } catch {
      // Refused or unknown: the member stays away from this room, and the history says what happened.
    }
  }
}
