/**
 * A sync that is dropped, resumed elsewhere, stalled, and whose inbox tells of joins and leaves late: over all of its
 * connections the client gets, in every room, exactly what was appended while it was a member.
 *
 * All rooms have history `joined`, so what a member may see is what stands between their joins and leaves, both included.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Client, Stage } from './testing/stage.js'
import type { Written } from './testing/writer.js'

const rooms = ['r', 's', 't']

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('say' as const), room: fc.constantFrom(...rooms) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const, 'kick' as const), room: fc.constantFrom(...rooms) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tell' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('drop' as const, 'connect' as const, 'connect' as const, 'stall' as const, 'read' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lag' as const), offsets: fc.nat(20), failing: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('yield' as const), turns: fc.nat(12) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

interface Fact extends Written {
  /** Whether ben was in before it, or after it. */
  visible: boolean
}

class World {
  readonly facts = new Map<string, Fact[]>(rooms.map((room) => [room, []]))
  readonly got = new Map<string, Set<number>>(rooms.map((room) => [room, new Set()]))
  /** What was appended before counts for nothing: the sync began at the tail. */
  private since = new Map<string, number>()
  private readonly members = new Set<string>()
  private readonly untold: (() => Promise<unknown>)[] = []
  private client: Client | undefined
  private composite: string | undefined
  private newest = new Map<string, string>()
  private connections = 0
  private refused = false
  readonly seen = { resumes: 0, ends: 0, events: 0, composites: 0 }

  private constructor(readonly stage: Stage) {}

  static async open(limits: { replayRecords: number; ringBytes: number }): Promise<World> {
    const world = new World(
      await Stage.open({ partitions: 2, limits: { ...limits, connectionMessagesBurst: 10_000, userConnections: 1_000 } }),
    )
    world.stage.edge()
    world.stage.edge()
    for (const room of rooms) {
      await world.append(room, 'room.created', 'anna', { access: 'public', history: 'joined' })
      await world.append(room, 'member.join', 'anna')
    }
    return world
  }

  async run(step: Action): Promise<unknown> {
    switch (step.do) {
      case 'say':
        return this.append(step.room, 'msg.text')
      case 'join':
        return this.members.has(step.room) ? undefined : this.membership(step.room, 'member.join', 'room.joined')
      case 'leave':
      case 'kick':
        return this.members.has(step.room) ? this.membership(step.room, `member.${step.do}`, 'room.left') : undefined
      case 'tell':
        return this.untold.shift()?.()
      case 'drop':
        this.client?.drop()
        this.client = undefined
        return undefined
      case 'connect':
        return this.connect()
      case 'stall':
        return this.client?.socket.stall()
      case 'read':
        return this.client?.socket.resume()
      case 'tick':
        return this.stage.clock.advance(5_000)
      case 'lag':
        return void Object.assign(this.stage.history, { lag: step.offsets, failing: step.failing })
      case 'yield':
        return turns(step.turns)
    }
  }

  async settle(): Promise<void> {
    Object.assign(this.stage.history, { failing: false })
    while (this.untold.length > 0) await this.untold.shift()!()
    if (!this.client) this.connect()
    for (let i = 0; i < 12; i++) {
      if (this.refused) this.connect()
      this.client?.socket.resume()
      this.stage.clock.advance(2_500)
      await turns(12)
    }
  }

  check(): void {
    for (const [room, facts] of this.facts) {
      const got = this.got.get(room)!
      for (const { seq, visible } of facts) {
        if (got.has(seq)) expect(visible, `${room} ${seq} was not theirs`).toBe(true)
        else
          expect(
            visible && seq > (this.since.get(room) ?? 0),
            `${room} ${seq} is missing; got ${[...got]}, from ${this.since.get(room)}`,
          ).toBe(false)
      }
    }
  }

  private async append(room: string, type: string, user?: string, content: unknown = {}): Promise<Written> {
    const before = this.members.has(room)
    if (user === 'ben') this.members[type === 'member.join' ? 'add' : 'delete'](room)
    const written = await this.stage.writer.append(room, { type, user, content })
    this.facts.get(room)!.push({ ...written, visible: before || this.members.has(room) })
    return written
  }

  private async membership(room: string, type: string, told: string): Promise<void> {
    const { seq, offset, id } = await this.append(room, type, 'ben')
    const content = { room, partition: Number(id.split('-')[0]), offset, seq, reason: type === 'member.kick' ? 'kicked' : 'left' }
    this.untold.push(() => this.stage.writer.append('@ben', { type: told, content }))
  }

  /** As the SDK does: the last composite and what came since; at the tail where there is none. */
  private connect(): void {
    this.refused = false
    this.client?.drop()
    const client = this.stage.socket(this.stage.edges[this.connections++ % 2], { bytesMax: 1_500 })
    this.client = client
    const frames: any[] = client.frames
    const push = frames.push.bind(frames)
    frames.push = (...given) => {
      for (const frame of given) this.take(frame)
      return push(...given)
    }
    client.send({ op: 'auth', token: 'ben' })
    const position = this.composite === undefined ? undefined : [this.composite, ...this.newest.values()]
    if (position) this.seen.resumes++
    client.send({ id: 1, op: 'sync', position })
  }

  private take(frame: any): void {
    if (frame.reset) throw new Error(`reset ${JSON.stringify(frame)}`)
    // As the SDK does with what is retriable.
    if (frame.id === 1 && frame.error) {
      expect(frame.error.code).toBe('unavailable')
      this.refused = true
    }
    if (frame.id === 1 && frame.ok && this.composite === undefined) {
      for (const [room, facts] of this.facts) this.since.set(room, facts.length)
      this.composite = frame.ok.position
    }
    if (frame.position && !frame.event) {
      this.seen.composites++
      this.composite = frame.position
      this.newest.clear()
    }
    if (frame.end) {
      this.seen.ends++
      this.newest.delete(frame.end.room)
    }
    if (frame.event) {
      this.seen.events++
      this.got.get(frame.event.room)?.add(frame.event.seq)
      this.newest.set(frame.event.room, frame.position)
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

const runs = Number(process.env.ROOMLOG_MODEL_RUNS ?? 100)

test('a sync gets exactly what was appended while its user was a member', async () => {
  const seen = { resumes: 0, ends: 0, events: 0, composites: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 40, maxLength: 160, size: 'max' }),
      fc.constantFrom(
        { replayRecords: 50_000, ringBytes: 1_000_000 },
        { replayRecords: 4, ringBytes: 3_000 },
        { replayRecords: 50_000, ringBytes: 1 },
      ),
      async (steps, limits) => {
        const world = await World.open(limits)
        try {
          for (const step of steps) await world.run(step)
          await world.settle()
          world.check()
          for (const name of ['resumes', 'ends', 'events', 'composites'] as const) seen[name] += world.seen[name]
        } finally {
          await world.stage.close()
        }
      },
    ),
    { numRuns: runs, ...(process.env.ROOMLOG_SEED ? { seed: Number(process.env.ROOMLOG_SEED) } : {}) },
  )
  for (const [what, count] of Object.entries(seen)) expect([what, count > runs / 10], `${what}: ${count}`).toEqual([what, true])
}, 120_000)
