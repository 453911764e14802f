/**
 * What becomes of a record of `ingest.events`: commands with the record's place as their origin, or a dead letter with the reason.
 *
 * A record is done (its offset may be committed) when its commands are durable or it lies in `ingest.dead`; a repeat after a crash
 * is recognised by its origin. So Kafka's at-least-once becomes exactly once. A failure is tried again for as long as it lasts,
 * because going on would change the order of the partition: that is also the back-pressure.
 */
import { type Door, draftOf, type Entry, isCommand } from '@roomlog/door'
import { type Log, partitionOf } from '@roomlog/log'
import { type Reply, type WireError, wireError } from '@roomlog/protocol'
import type { Logger } from '@roomlog/runtime'
import { Lane, type LaneItem } from './lane.js'
import { type IngestRecord, type RecordLimits, wishesOf } from './record.js'

/** The outcome of a record for whoever waits for it: one reply, or one per item of an array. */
export type Outcome = Reply | Reply[]

export interface IntakeOptions {
  door: Door
  log: Log
  logger: Logger
  limits: RecordLimits
  /** One call per record: `taken` or `dead`. */
  onRecord?(what: 'taken' | 'dead'): void
}

export interface TakeOptions {
  /** Told the outcome later, once. */
  answered?(outcome: Outcome): void
  /** Called while the record has to wait for its place. */
  alive?(): Promise<void>
  /** This record and all before it in its partition are done. Awaited. */
  done(): Promise<void>
}

interface Item extends LaneItem, TakeOptions {
  record: IngestRecord
  judged: { entries: Entry[]; array: boolean } | WireError
  /** Set once it is durable, so that a batch that is tried again does not write it again. */
  replies?: Promise<Reply>[]
}

const retryMsMin = 50
const retryMsMax = 5_000

export class Intake {
  private readonly lanes = new Map<number, Lane<Item>>()
  private draining = false
  private stopped = false

  constructor(private readonly options: IntakeOptions) {}

  /** Resolves when the record has its place; it is done when `done` is called. Records of one partition are taken in their order. */
  async take(record: IngestRecord, options: TakeOptions): Promise<void> {
    // It stays uncommitted, and comes again.
    if (this.draining) return
    const judged = this.judged(record, options.answered !== undefined)
    const { answered, alive, done } = options
    await this.lane(record.partition).add({ record, judged, bytes: record.value?.length ?? 0, answered, done }, alive)
  }

  /** Takes nothing more, and resolves when everything that was taken is done. */
  async drain(): Promise<void> {
    this.draining = true
    await Promise.all([...this.lanes.values()].map((lane) => lane.idle()))
  }

  /** What still waits for a failure to end is given up, uncommitted. */
  stop(): void {
    this.draining = true
    this.stopped = true
  }

  private lane(partition: number): Lane<Item> {
    let lane = this.lanes.get(partition)
    if (!lane) this.lanes.set(partition, (lane = new Lane((batch) => this.pass(batch))))
    return lane
  }

  private async pass(batch: Item[]): Promise<void> {
    for (let delayMs = retryMsMin; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        await this.write(batch.filter((item) => item.replies === undefined))
        break
      } catch (error) {
        if (this.stopped) throw error
        this.options.logger.warn({ err: error }, 'records of ingest.events could not be passed on yet')
      }
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
    for (const item of batch) this.tell(item)
    await batch.at(-1)?.done()
  }

  /** Writes all commands of the items together, so that those for one partition stand in their order whatever fails. */
  private async write(items: Item[]): Promise<void> {
    const taken = items.filter((item) => 'entries' in item.judged)
    const entries = taken.flatMap((item) => (item.judged as { entries: Entry[] }).entries)
    const written = this.options.door.write(entries)
    let at = 0
    const passed = taken.map(async (item) => {
      const own = written.slice(at, (at += (item.judged as { entries: Entry[] }).entries.length))
      await Promise.all(own.map((command) => command.written))
      item.replies = own.map((command) => command.reply)
    })
    const buried = items.filter((item) => 'code' in item.judged).map((item) => this.bury(item))
    const outcomes = await Promise.allSettled([...passed, ...buried])
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }

  private tell({ judged, replies = [], answered }: Item): void {
    this.options.onRecord?.('code' in judged ? 'dead' : 'taken')
    if (!answered) return
    if ('code' in judged) answered({ id: '', error: judged })
    else void Promise.all(replies).then((outcomes) => answered(judged.array ? outcomes : outcomes[0]!))
  }

  /** A record that meets a bug of ours must not stop its partition for ever. */
  private judged(record: IngestRecord, wantsReply: boolean): Item['judged'] {
    try {
      return this.judge(record, wantsReply)
    } catch (error) {
      this.options.logger.error({ err: error }, 'a record of ingest.events met a bug')
      return wireError('internal')
    }
  }

  /** All commands of a record, or why none of it is taken. */
  private judge(record: IngestRecord, wantsReply: boolean): Item['judged'] {
    const wanted = wishesOf(record, this.options.limits)
    if ('code' in wanted) return wanted
    const { wishes, array } = wanted
    const entries: Entry[] = []
    for (const [index, { principal, operation, input, sender }] of wishes.entries()) {
      const draft = draftOf(principal, operation, input)
      if ('code' in draft) return draft
      if (draft.room?.startsWith('#')) return wireError('invalid', 'records name a room, not an alias', { field: 'room' })
      const command = this.options.door.compose(principal, draft, { sender })
      if (!isCommand(command)) return command
      const origin = `${originOf(record)}${array ? `/${index}` : ''}`
      entries.push({ command, options: { origin, traceparent: record.headers.traceparent, reply: wantsReply } })
    }
    return { entries, array }
  }

  private async bury(item: Item): Promise<void> {
    const { log, logger } = this.options
    const { record, judged } = item
    const { code, message } = judged as WireError
    const { sum: _sum, ...headers } = record.headers
    const [reason, origin] = [`${code}: ${message}`, originOf(record)]
    const value = record.value === null ? null : Buffer.from(record.value)
    await log.produce('ingest.dead', partitionOf(record.key ?? '', log.partitions), [
      { key: record.key, value, headers: { ...headers, reason, origin } },
    ])
    item.replies = []
    logger.warn({ origin, reason }, 'a record of ingest.events went to ingest.dead')
  }
}

function originOf({ partition, offset }: IngestRecord): string {
  return `ingest.events/${partition}:${offset}`
}
