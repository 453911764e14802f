/**
 * Whatever happens (publish, drop, slow, resume elsewhere, kick, ban, changes of visibility, persistence that lags or is away),
 * each client ends with exactly what it was entitled to, in order, once.
 *
 * The oracle knows nothing of the edge: it judges from the list of appended events by the rules as they are written.
 * An event must arrive if it was open to the reader when it was appended; it may arrive if it is open to them now.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Client, Stage } from './testing/stage.js'
import type { Written } from './testing/writer.js'

const rooms = ['r', 's']
const users = ['anna', 'ben', 'carl']
const modes = ['world', 'shared', 'invited', 'joined']

interface Fact extends Written {
  type: string
  user?: string
  value?: string
  state: boolean
}

/** One subscription as its client saw it. */
interface Trace {
  user: string
  room: string
  /** Accounted for before its first event; known once it is answered. */
  start?: number
  wanted: { from?: number; position?: string }
  answer?: any
  frames: any[]
  end?: any
}

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('say' as const), room: fc.constantFrom(...rooms) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('name' as const), room: fc.constantFrom(...rooms) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('join' as const, 'leave' as const, 'kick' as const, 'ban' as const, 'invite' as const),
      room: fc.constantFrom(...rooms),
      user: fc.constantFrom('ben', 'carl'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('history' as const), room: fc.constantFrom(...rooms), value: fc.constantFrom(...modes) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      room: fc.constantFrom(...rooms),
      user: fc.constantFrom(...users),
      start: fc.constantFrom('tail' as const, 'from' as const, 'resume' as const, 'resume' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('drop' as const, 'stall' as const, 'read' as const), user: fc.constantFrom(...users) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lag' as const), offsets: fc.nat(30), failing: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('yield' as const), turns: fc.nat(6) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly facts = new Map<string, Fact[]>(rooms.map((room) => [room, []]))
  readonly traces: Trace[] = []
  private readonly clients = new Map<string, Client>()
  private edge = 0
  readonly seen = { resumes: 0, ends: 0, stalls: 0, refused: 0 }

  private constructor(readonly stage: Stage) {}

  static async open(limits: { replayRecords: number; ringBytes: number }): Promise<World> {
    const stage = await Stage.open({ partitions: 1, limits: { ...limits, connectionMessagesBurst: 10_000, userConnections: 1_000 } })
    const world = new World(stage)
    stage.edge()
    stage.edge()
    for (const room of rooms) {
      await world.append(room, 'room.created', { content: { access: 'public', history: 'shared' }, value: 'shared' })
      await world.append(room, 'member.join', { user: 'anna' })
    }
    return world
  }

  async append(room: string, type: string, more: { user?: string; value?: string; content?: unknown; key?: string } = {}): Promise<void> {
    const { user, value, key } = more
    const written = await this.stage.writer.append(room, { type, user, key, content: more.content ?? (value ? { value } : {}) })
    this.facts.get(room)!.push({ ...written, type, user, value, state: key !== undefined })
  }

  async run(step: Action): Promise<void> {
    switch (step.do) {
      case 'say':
        return this.append(step.room, 'msg.text')
      case 'name':
        return this.append(step.room, 'room.name', { key: '', value: 'n' })
      case 'history':
        return this.append(step.room, 'room.history', { key: '', value: step.value })
      case 'join':
      case 'leave':
      case 'kick':
      case 'ban':
      case 'invite':
        return this.membership(step.room, step.do, step.user)
      case 'subscribe':
        return this.subscribe(step.user, step.room, step.start)
      case 'drop':
        this.clients.get(step.user)?.drop()
        return void this.clients.delete(step.user)
      case 'stall':
        this.seen.stalls++
        return this.clients.get(step.user)?.socket.stall()
      case 'read':
        return this.clients.get(step.user)?.socket.resume()
      case 'lag':
        this.stage.history.lag = step.offsets
        this.stage.history.failing = step.failing
        return
      case 'restart':
        return this.restart()
      case 'yield':
        return turns(step.turns)
    }
  }

  /** Everybody reads, persistence answers, nothing more happens. */
  async settle(): Promise<void> {
    Object.assign(this.stage.history, { failing: false })
    for (let i = 0; i < 12; i++) {
      for (const client of this.clients.values()) client.socket.resume()
      this.stage.clock.advance(2_500)
      await turns(12)
    }
  }

  private membership(room: string, how: string, user: string): Promise<void> | undefined {
    const now = membershipAt(this.facts.get(room)!, user, Number.POSITIVE_INFINITY)
    const allowed: Record<string, string[]> = {
      join: ['none', 'invited', 'left'],
      leave: ['joined', 'invited'],
      kick: ['joined', 'invited'],
      ban: ['none', 'invited', 'joined', 'left'],
      invite: ['none', 'left'],
    }
    return allowed[how]!.includes(now) ? this.append(room, `member.${how}`, { user }) : undefined
  }

  private async subscribe(user: string, room: string, start: 'tail' | 'from' | 'resume'): Promise<void> {
    let client = this.clients.get(user)
    if (!client) {
      client = this.stage.socket(this.stage.edges.at(-1 - (this.edge++ % 2)), { bytesMax: 1_500 })
      this.clients.set(user, client)
      client.send({ op: 'auth', token: user })
      this.follow(client)
    }
    const before = this.traces.findLast((trace) => trace.user === user && trace.room === room && trace.frames.length > 0)
    const position: string | undefined = start === 'resume' ? before?.frames.at(-1).position : undefined
    if (position) this.seen.resumes++
    const trace: Trace = { user, room, wanted: position ? { position } : start === 'from' ? { from: 1 } : {}, frames: [] }
    const id = this.traces.push(trace) - 1
    client.send({ id, op: 'subscribe', room, ...trace.wanted })
  }

  /** Sorts what arrives into the newest answered subscription of its room. */
  private follow(client: Client): void {
    const current = new Map<string, Trace>()
    const frames: any[] = client.frames
    const push = frames.push.bind(frames)
    frames.push = (...given) => {
      for (const frame of given) {
        const room = frame.event?.room ?? frame.end?.room ?? frame.reset?.room
        if (frame.id !== undefined) {
          const trace = this.traces[frame.id]!
          trace.answer = frame
          if (frame.ok) current.set(trace.room, trace)
          if (frame.ok)
            trace.start = trace.wanted.from ? 0 : trace.wanted.position ? Number(trace.wanted.position.split('.')[3]) : frame.ok.seq
        } else if (frame.event) current.get(room)!.frames.push(frame)
        else if (frame.end) current.get(room)!.end = frame.end
        else if (frame.reset) throw new Error(`reset ${JSON.stringify(frame)}`)
      }
      return push(...given)
    }
  }

  private async restart(): Promise<void> {
    const old = this.stage.edges.at(-1)!
    for (const [user, client] of [...this.clients]) {
      client.drop()
      this.clients.delete(user)
    }
    await old.close()
    this.stage.edge()
    this.stage.edge()
  }

  check(): void {
    for (const trace of this.traces) {
      const facts = this.facts.get(trace.room)!
      const told = `${trace.user} in ${trace.room} ${JSON.stringify(trace.wanted)}`
      if (trace.answer?.error) {
        this.seen.refused++
        expect(['not_found', 'unavailable', 'conflict'], told).toContain(trace.answer.error.code)
        continue
      }
      const seqs = trace.frames.map(({ event }) => event.seq as number)
      expect(seqs, `${told}: in order, once`).toEqual([...new Set(seqs)].sort((a, b) => a - b))
      trace.frames.forEach(({ event, after, position }, i) => {
        expect(after, told).toBe(i === 0 ? trace.start : seqs[i - 1])
        const fact = facts[event.seq - 1]!
        expect([event.id, position]).toEqual([fact.id, fact.position])
        expect(opens(facts, trace.user, event.seq, Number.POSITIVE_INFINITY), `${told} was not entitled to ${event.seq}`).toBe(true)
      })
      if (trace.end) {
        this.seen.ends++
        if (seqs.length > 0) expect(seqs.at(-1), `${told}: nothing after the end`).toBeLessThanOrEqual(trace.end.seq)
        const { type, user } = facts[trace.end.seq - 1]!
        const expected = { kicked: ['member.kick'], banned: ['member.ban'], left: ['member.leave', 'member.kick'] }[
          trace.end.reason as string
        ]
        if (expected)
          expect([user, expected.includes(type)], `${told}: ${JSON.stringify(trace.end)} at ${type}`).toEqual([trace.user, true])
        else
          expect([trace.end.reason, opens(facts.slice(0, trace.end.seq), trace.user, trace.end.seq + 1, trace.end.seq)], told).toEqual([
            'forbidden',
            false,
          ])
      }
    }
    for (const trace of this.lastOfEachClient()) this.checkComplete(trace)
  }

  /** Subscriptions that were never taken away from outside, and so must have got everything. */
  private lastOfEachClient(): Trace[] {
    return this.traces.filter(
      (trace, i) =>
        trace.answer?.ok &&
        this.clients.has(trace.user) &&
        !this.traces.slice(i + 1).some((later) => later.user === trace.user && later.room === trace.room) &&
        this.clients.get(trace.user)!.frames.includes(trace.answer),
    )
  }

  private checkComplete(trace: Trace): void {
    const facts = this.facts.get(trace.room)!
    const last = trace.end?.seq ?? facts.length
    const got = new Set(trace.frames.map(({ event }) => event.seq))
    const newestName = facts.findLast(({ type, seq }) => type === 'room.name' && seq <= facts.length)?.seq
    const newestHistory = facts.findLast(({ type }) => type === 'room.history')?.seq
    for (const { seq, type } of facts) {
      if (seq <= trace.start! || seq > last || got.has(seq)) continue
      if ((type === 'room.name' && seq !== newestName) || (type === 'room.history' && seq !== newestHistory)) continue
      expect(
        opens(facts, trace.user, seq, seq),
        `${trace.user} in ${trace.room} ${JSON.stringify(trace.wanted)} from ${trace.start} missed ${seq} ${type} (got ${[...got]}, end ${JSON.stringify(trace.end)})`,
      ).toBe(false)
    }
  }
}

/** Whether the event was open to the user, as things stood once `until` was appended. */
function opens(facts: Fact[], user: string, seq: number, until: number): boolean {
  return [seq - 1, seq].some((point) => {
    const mode =
      facts.findLast((fact) => fact.seq <= Math.max(point, 1) && fact.value !== undefined && fact.type !== 'room.name')?.value ?? 'shared'
    if (mode === 'world') return true
    const is = membershipAt(facts, user, point)
    if (mode === 'invited') return is === 'invited' || is === 'joined'
    if (mode === 'joined') return is === 'joined'
    return facts.some(
      (fact) =>
        fact.seq >= seq &&
        fact.seq <= until &&
        (membershipAt(facts, user, fact.seq) === 'joined' || membershipAt(facts, user, fact.seq - 1) === 'joined'),
    )
  })
}

function membershipAt(facts: Fact[], user: string, seq: number): string {
  const last = facts.findLast((fact) => fact.user === user && fact.seq <= seq)
  return last === undefined
    ? 'none'
    : ({ 'member.join': 'joined', 'member.invite': 'invited', 'member.ban': 'banned' }[last.type] ?? 'left')
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

const runs = Number(process.env.ROOMLOG_MODEL_RUNS ?? 150)

test('each client holds exactly what it was entitled to, in order, once', async () => {
  const seen = { resumes: 0, ends: 0, stalls: 0, refused: 0, events: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 40, maxLength: 160, size: 'max' }),
      fc.constantFrom(
        { replayRecords: 50_000, ringBytes: 1_000_000 },
        { replayRecords: 5, ringBytes: 3_000 },
        { replayRecords: 50_000, ringBytes: 1 },
      ),
      async (steps, limits) => {
        const world = await World.open(limits)
        try {
          for (const step of steps) await world.run(step)
          await world.settle()
          world.check()
          for (const name of ['resumes', 'ends', 'stalls', 'refused'] as const) seen[name] += world.seen[name]
          seen.events += world.traces.reduce((sum, { frames }) => sum + frames.length, 0)
        } finally {
          await world.stage.close()
        }
      },
    ),
    { numRuns: runs, ...(process.env.ROOMLOG_SEED ? { seed: Number(process.env.ROOMLOG_SEED) } : {}) },
  )
  // A green run must not mean that nothing happened.
  for (const [what, count] of Object.entries(seen)) expect([what, count > runs / 10], `${what}: ${count}`).toEqual([what, true])
}, 120_000)
