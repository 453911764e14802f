/** An edge on the memory log with fake sockets and a fake clock; what is real: log, feeds, rings, sessions, subscriptions. */
import { randomUUID } from 'node:crypto'
import type { Principal } from '@roomlog/door'
import { type Log, openLog } from '@roomlog/log'
import { topics, wireError } from '@roomlog/protocol'
import { createLogger, defaultLimits, type Limits, Metrics } from '@roomlog/runtime'
import { FakeClock, FakeSocket } from '@roomlog/testing'
import { Counts } from '../counts.js'
import type { CommandInput } from '../door.js'
import { EdgeParts } from '../edge.js'
import { readsByRight } from '../rights.js'
import { Session } from '../session.js'
import { LogHistory } from './log-history.js'
import { Writer } from './writer.js'

export interface StageOptions {
  partitions?: number
  limits?: Partial<Limits>
}

export class Stage {
  readonly clock = new FakeClock()
  readonly edges: EdgeParts[] = []
  readonly submitted: { user: string; input: CommandInput }[] = []
  readonly failures: unknown[] = []
  /** `<user>/<device>`, as the door knows them. */
  readonly revoked = new Set<string>()

  private constructor(
    readonly log: Log,
    readonly writer: Writer,
    readonly history: LogHistory,
    private readonly options: StageOptions,
  ) {}

  static async open(options: StageOptions = {}): Promise<Stage> {
    const log = await openLog(`memory:${randomUUID()}`, { partitions: options.partitions ?? 2 })
    await log.prepare(topics, 'relaxed')
    return new Stage(log, new Writer(log), new LogHistory(log), options)
  }

  edge(): EdgeParts {
    const edge = new EdgeParts({
      log: this.log,
      history: this.history,
      clock: this.clock,
      limits: { ...defaultLimits, ...this.options.limits },
      publicUrl: `http://edge-${this.edges.length + 1}`,
      secret: 'a secret of the deployment, for tests',
      counts: new Counts(new Metrics()),
      logger: createLogger({ service: 'edge', level: 'silent' }),
      door: {
        authenticate: async (token) => principalOf(token) ?? wireError('unauthenticated'),
        isRevoked: (principal) => this.revoked.has(`${principal.user}/${principal.device}`),
        reads: readsByRight,
        submit: async (principal, input) => {
          this.submitted.push({ user: principal.user, input })
          return { ok: { event: 'e', room: String(input.room), seq: this.submitted.length, position: '' } }
        },
      },
      reads: { read: async (op, input) => ({ body: JSON.stringify({ op, ...input }) }) },
    })
    this.edges.push(edge)
    return edge
  }

  /** A socket without a token yet. */
  socket(edge: EdgeParts = this.edges[0] ?? this.edge(), options: { bytesMax?: number; token?: string } = {}): Client {
    return new Client(edge, options)
  }

  /** A socket of `<user>`, `<user>/<device>` or `<user>/<device>/<granted room>`. */
  async client(token: string, edge?: EdgeParts, options: { bytesMax?: number } = {}): Promise<Client> {
    const client = this.socket(edge, options)
    await client.request({ op: 'auth', token })
    return client
  }

  async close(): Promise<void> {
    for (const edge of this.edges) await edge.close()
    await this.log.close()
  }
}

export class Client {
  readonly socket: FakeSocket
  readonly session: Session
  private nextId = 1

  constructor(edge: EdgeParts, options: { bytesMax?: number; token?: string }) {
    this.socket = new FakeSocket(options.bytesMax)
    this.session = new Session(edge, {
      sink: this.socket,
      address: '127.0.0.1',
      close: (code, reason) => this.socket.close(code, reason),
    })
    if (options.token !== undefined) this.session.open(options.token)
  }

  get frames(): any[] {
    return this.socket.frames
  }

  send(frame: unknown): void {
    this.session.receive(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)))
  }

  async request(frame: Record<string, unknown>): Promise<any> {
    const id = this.nextId++
    this.send({ id, ...frame })
    return this.next((answer) => answer.id === id)
  }

  /** The first frame that is accepted. */
  async next(accept: (frame: any) => boolean): Promise<any> {
    let found: any
    await until(
      () => (found = this.frames.find(accept)) !== undefined,
      () => `no such frame among ${JSON.stringify(this.frames.slice(-5))}`,
    )
    return found
  }

  seqs(room: string): number[] {
    return this.events(room).map(({ event }) => event.seq)
  }

  events(room: string): any[] {
    return this.frames.filter((frame) => frame.event?.room === room)
  }

  drop(): void {
    this.socket.close(1006)
    this.session.closed()
  }
}

/** Waits for a condition; a deadline, no sleep. */
export async function until(reached: () => boolean, describe: () => string = () => 'not reached', deadlineMs = 4_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(describe())
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export function principalOf(token: string): Principal | undefined {
  const [user, device = 'd1', granted, expires] = token.split('/')
  if (!user || user === 'bad') return undefined
  return {
    user,
    device,
    expiresAt: expires ? Number(expires) : Number.MAX_SAFE_INTEGER,
    scopes: [],
    grants: granted ? [[granted, ['read']]] : [],
    teams: [],
  }
}
