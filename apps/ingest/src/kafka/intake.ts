/**
 * What becomes of a record of `ingest.events`: commands with the record's place as their origin, or a dead letter with the reason.
 *
 * A record is done (its offset may be committed) when its commands are durable or it lies in `ingest.dead`; a repeat after a crash
 * is recognised by its origin. So Kafka's at-least-once becomes exactly once. A failure is tried again for as long as it lasts,
 * because going on would change the order of the partition: that is also the back-pressure.
 */
import { type Door, draftOf, isCommand } from '@roomlog/door'
import { type Log, partitionOf } from '@roomlog/log'
import { type CommandValue, type Reply, type WireError, wireError } from '@roomlog/protocol'
import type { Logger } from '@roomlog/runtime'
import { type IngestRecord, type RecordLimits, type Wish, wishesOf } from './record.js'

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

const retryMsMin = 50
const retryMsMax = 5_000

export class Intake {
  private stopped = false

  constructor(private readonly options: IntakeOptions) {}

  /** Records that wait for a failure to end give up, uncommitted. */
  stop(): void {
    this.stopped = true
  }

  /**
   * Resolves when the record is done. With `answered`, that is told the outcome later, once; `alive` is called while a failure lasts.
   * @throws the failure, where `stop` was called while it lasted.
   */
  async take(record: IngestRecord, answered?: (outcome: Outcome) => void, alive?: () => Promise<void>): Promise<void> {
    const commands = this.judged(record)
    if ('code' in commands) {
      await this.persist(() => this.bury(record, commands), alive)
      this.options.onRecord?.('dead')
      answered?.({ id: '', error: commands })
      return
    }
    const replies: Promise<Reply>[] = []
    for (const [index, { command, wish }] of commands.list.entries()) {
      const origin = `ingest.events/${record.partition}:${record.offset}${commands.array ? `/${index}` : ''}`
      const options = { origin, sender: wish.sender, traceparent: record.headers.traceparent, reply: answered !== undefined }
      await this.persist(async () => {
        const { written, reply } = this.options.door.write(command, options)
        replies[index] = reply
        await written
      }, alive)
    }
    this.options.onRecord?.('taken')
    if (answered) void Promise.all(replies).then((outcomes) => answered(commands.array ? outcomes : outcomes[0]!))
  }

  /** A record that meets a bug of ours must not stop its partition for ever. */
  private judged(record: IngestRecord): ReturnType<Intake['commandsOf']> {
    try {
      return this.commandsOf(record)
    } catch (error) {
      this.options.logger.error({ err: error }, 'a record of ingest.events met a bug')
      return wireError('internal')
    }
  }

  /** All commands of a record, or why none of it is taken. */
  private commandsOf(record: IngestRecord): { list: { command: CommandValue; wish: Wish }[]; array: boolean } | WireError {
    const wanted = wishesOf(record, this.options.limits)
    if ('code' in wanted) return wanted
    const list: { command: CommandValue; wish: Wish }[] = []
    for (const wish of wanted.wishes) {
      const draft = draftOf(wish.principal, wish.operation, wish.input)
      if ('code' in draft) return draft
      if (draft.room?.startsWith('#')) return wireError('invalid', 'records name a room, not an alias', { field: 'room' })
      const command = this.options.door.compose(wish.principal, draft, { sender: wish.sender })
      if (!isCommand(command)) return command
      list.push({ command, wish })
    }
    return { list, array: wanted.array }
  }

  private async bury(record: IngestRecord, error: WireError): Promise<void> {
    const { log } = this.options
    const { sum: _sum, ...headers } = record.headers
    const reason = `${error.code}: ${error.message}`
    const value = record.value === null ? null : Buffer.from(record.value)
    const origin = `ingest.events/${record.partition}:${record.offset}`
    await log.produce('ingest.dead', partitionOf(record.key ?? '', log.partitions), [
      { key: record.key, value, headers: { ...headers, reason, origin } },
    ])
    this.options.logger.warn({ origin, reason }, 'a record of ingest.events went to ingest.dead')
  }

  private async persist(write: () => Promise<void>, alive: (() => Promise<void>) | undefined): Promise<void> {
    for (let delayMs = retryMsMin; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        return await write()
      } catch (error) {
        if (this.stopped) throw error
        this.options.logger.warn({ err: error }, 'a record of ingest.events could not be passed on yet')
      }
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      await alive?.()
    }
  }
}
