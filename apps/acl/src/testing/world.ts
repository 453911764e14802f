/** A memory log, authorities on it, and a door: what a test of the authority needs, with real time. */
import { randomUUID } from 'node:crypto'
import { type Log, type LogRecord, openLog, partitionOf, type RecordDraft, type Tail } from '@roomlog/log'
import { type CommandValue, commandsTopic, encodeCommand, eventsTopic, type Family, familyOf, type Reply, topics } from '@roomlog/protocol'
import { Authority } from '../authority.js'
import { Figures } from '../observer.js'
import { ReferenceCache } from '../references.js'
import { domainRules } from '../rules.js'
import type { SiteOptions } from '../site.js'

export class World {
  readonly figures = new Figures()
  private readonly authorities = new Set<Authority>()
  private readonly waiting = new Map<string, (reply: Reply) => void>()
  private tail!: Tail
  private ids = 0

  private constructor(readonly log: Log) {}

  static async open(partitions = 1): Promise<World> {
    return World.on(await openLog(`memory:${randomUUID()}`, { partitions }))
  }

  /** The world closes the log. */
  static async on(log: Log): Promise<World> {
    await log.prepare(topics, 'relaxed')
    const world = new World(log)
    world.tail = log.tail('room.replies', 0, 0, ({ records }) => {
      for (const { value } of records) world.hear(JSON.parse(value!.toString()) as Reply)
    })
    return world
  }

  /** An authority that is ready. `family` defaults to rooms. */
  async owner(options: Partial<SiteOptions> = {}): Promise<Authority> {
    const authority = this.start(options)
    await authority.ready
    return authority
  }

  start(options: Partial<SiteOptions> = {}): Authority {
    const authority = new Authority({
      log: this.log,
      family: 'room',
      partition: 0,
      rules: domainRules(),
      observer: this.figures,
      cache: new ReferenceCache(),
      newId: randomUUID,
      ...options,
    })
    this.authorities.add(authority)
    return authority
  }

  /** Owners of both families of partition 0. */
  async owners(options: Partial<SiteOptions> = {}): Promise<Authority[]> {
    return Promise.all([this.owner({ ...options, family: 'room' }), this.owner({ ...options, family: 'user' })])
  }

  /** Sends one command and waits for its answer. */
  async do(command: Partial<CommandValue>, headers: Record<string, string> = {}): Promise<Reply> {
    const { answer } = await this.send([command], headers)
    return answer[0]!
  }

  /** Sends commands in one write; resolves when they are written. */
  async send(
    commands: Partial<CommandValue>[],
    headers: Record<string, string> = {},
  ): Promise<{ offset: number; answer: Promise<Reply>[] }> {
    const answer: Promise<Reply>[] = []
    const drafts: RecordDraft[] = commands.map((command) => {
      const id = `q${this.ids++}`
      answer.push(new Promise((resolve) => this.waiting.set(id, resolve)))
      return { key: full(command).room, value: encodeCommand(full(command)), headers: { v: '1', origin: id, reply: `0:${id}`, ...headers } }
    })
    const { room } = full(commands[0]!)
    const { baseOffset } = await this.log.produce(commandsTopic(familyOf(room)), partitionOf(room, this.log.partitions), drafts)
    return { offset: baseOffset, answer }
  }

  async records(family: Family = 'room', partition = 0): Promise<LogRecord[]> {
    return (await this.log.read(eventsTopic(family), partition, 0)).records
  }

  /** `type` of each event of a room, in order. */
  async types(room: string): Promise<string[]> {
    const records = await this.records(familyOf(room), partitionOf(room, this.log.partitions))
    return records.filter(({ key, headers }) => key === room && headers['seq'] !== undefined).map(({ headers }) => headers['type']!)
  }

  async close(): Promise<void> {
    await Promise.all([...this.authorities].map((authority) => authority.stop()))
    await this.tail.stop()
    await this.log.close()
  }

  private hear(reply: Reply): void {
    this.waiting.get(reply.id)?.(reply)
    this.waiting.delete(reply.id)
  }
}

/** Waits for what must become true soon. */
export async function until(what: () => boolean | Promise<boolean>, msMax = 5_000): Promise<void> {
  for (const end = performance.now() + msMax; !(await what()); ) {
    if (performance.now() > end) throw new Error(`not within ${msMax} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function full(command: Partial<CommandValue>): CommandValue {
  return { type: 'msg.text', room: 'r', sender: { id: 'ann' }, device: 'd', rights: {}, content: '{}', ...command } as CommandValue
}
