import { randomBytes } from 'node:crypto'
import type { Identity } from '@roomlog/domain'
import { type Log, partitionOf, type RecordDraft, RoomlogError } from '@roomlog/log'
import { type CommandValue, commandsTopic, encodeCommand, familyOf, type Reply, recordVersion, wireError } from '@roomlog/protocol'
import type { Replies } from './replies.js'

export interface SubmitOptions {
  timeoutMs?: number
  traceparent?: string
  /** Default: a request ID of this door. A record of `ingest.events` names itself, so that its repeat is one. */
  origin?: string
  sender?: Identity
}

export interface Entry {
  command: CommandValue
  options: SubmitOptions & { reply: boolean }
}

export interface Written {
  /** Resolves when the command is durable, rejects as the log does. */
  written: Promise<unknown>
  /** Its outcome, or, where nobody waits for it, what can be said without it. Never rejects. */
  reply: Promise<Reply>
}

interface Batch {
  topic: string
  partition: number
  records: RecordDraft[]
  ids: string[]
  bytes: number
}

/** Gathered commands of one partition by their bytes; beyond it they go out before the tick ends. */
const gatheredBytesMax = 262_144

export interface WriterOptions {
  log: Log
  replies: Replies
  /** How long an outcome is waited for. */
  replyMs: number
  onFailure?(error: Error): void
  onOutcome?(code: string, ms: number): void
}

/** Writes commands to their partitions. What is given together for one partition is written together, in its order, or not at all. */
export class CommandWriter {
  private readonly instance = randomBytes(9).toString('base64url')
  private requests = 0
  /** What single callers have given in this tick: a frame of a hundred commands is one write. */
  private gathered = new Map<string, Batch>()

  constructor(private readonly options: WriterOptions) {}

  /** All are on their way when this returns. */
  write(entries: readonly Entry[]): Written[] {
    this.flush()
    const batches = new Map<string, Batch>()
    const written: Written[] = []
    const places: (Batch | undefined)[] = []
    for (const entry of entries) {
      const id = `${this.instance}.${(this.requests++).toString(36)}`
      const reply = this.replyTo(id, entry.options)
      const batch = reply && this.batchOf(entry.command.room, batches)
      if (batch) this.put(batch, id, entry)
      places.push(batch)
      written.push({ written: undefined as never, reply: reply ?? Promise.resolve({ id, error: full }) })
    }
    const produced = new Map([...batches.values()].map((batch) => [batch, this.produce(batch)]))
    for (const [index, batch] of places.entries()) {
      written[index]!.written = batch ? produced.get(batch)! : Promise.reject(new RoomlogError('unavailable', full.message))
    }
    return written
  }

  /** Writes one command together with what else is given in this tick, in the order of the calls. Its outcome; never rejects. */
  gather(entry: Entry): Promise<Reply> {
    const id = `${this.instance}.${(this.requests++).toString(36)}`
    const reply = this.replyTo(id, entry.options)
    if (!reply) return Promise.resolve({ id, error: full })
    if (this.gathered.size === 0) queueMicrotask(() => this.flush())
    const batch = this.batchOf(entry.command.room, this.gathered)
    this.put(batch, id, entry)
    if (batch.bytes > gatheredBytesMax) this.flush()
    return reply
  }

  private flush(): void {
    const batches = this.gathered
    if (batches.size === 0) return
    this.gathered = new Map()
    for (const batch of batches.values()) this.produce(batch).catch(() => {})
  }

  /** Undefined = too many wait already. */
  private replyTo(id: string, options: Entry['options']): Promise<Reply> | undefined {
    if (!options.reply) return Promise.resolve({ id })
    const { replies, replyMs, onOutcome } = this.options
    if (replies.full) return undefined
    const reply = replies.wait(id, options.timeoutMs ?? replyMs)
    const started = performance.now()
    if (onOutcome) void reply.then(({ error }) => onOutcome(error?.code ?? 'ok', performance.now() - started))
    return reply
  }

  private batchOf(room: string, batches: Map<string, Batch>): Batch {
    const topic = commandsTopic(familyOf(room))
    const partition = partitionOf(room, this.options.log.partitions)
    const key = `${topic}/${partition}`
    let batch = batches.get(key)
    if (!batch) batches.set(key, (batch = { topic, partition, records: [], ids: [], bytes: 0 }))
    return batch
  }

  private put(batch: Batch, id: string, entry: Entry): void {
    batch.records.push(this.record(id, entry))
    batch.ids.push(id)
    batch.bytes += entry.command.content.length
  }

  private record(id: string, { command, options }: Entry): RecordDraft {
    const headers: Record<string, string> = { v: recordVersion, origin: options.origin ?? id }
    if (options.reply) headers.reply = `${this.options.replies.partition}:${id}`
    if (options.traceparent !== undefined) headers.traceparent = options.traceparent
    return { key: command.room, value: encodeCommand(command), headers }
  }

  private produce({ topic, partition, records, ids }: Batch): Promise<unknown> {
    const { log, replies, onFailure } = this.options
    const produced = log.produce(topic, partition, records)
    produced.catch((error: Error) => {
      // What may have been appended is waited for: the reply, if there is one, knows better than the failure.
      const isOut = error instanceof RoomlogError && error.code !== 'unknown'
      if (isOut) for (const id of ids) replies.give(id, { id, error: wireError('unavailable') })
      onFailure?.(error)
    })
    return produced
  }
}

const full = wireError('unavailable', 'too many requests wait at this door')
