/**
 * What every door does with a wish: check it by the operation table, charge it, make it a command, append that to
 * `<family>.commands` and wait for what the authority decides.
 *
 * The answer is one of three: what was appended; a refusal (nothing was, or `unavailable`: definitely not); or `unknown`, when the
 * command may be in the log. A door never tries again by itself: the client repeats with the same action ID.
 */
import { randomBytes } from 'node:crypto'
import type { Identity } from '@roomlog/domain'
import { type Log, partitionOf, RoomlogError } from '@roomlog/log'
import {
  type CommandValue,
  commandsTopic,
  encodeCommand,
  familyOf,
  type Reply,
  recordVersion,
  type WireError,
  wireError,
} from '@roomlog/protocol'
import type { CommandDraft, Input, Operation } from '@roomlog/protocol/operations'
import { Aliases, type ResolveAlias } from './aliases.js'
import { compose, isCommand } from './compose.js'
import { doInput } from './do.js'
import { RateLimiter } from './limits.js'
import type { Principal } from './principal.js'
import { Repeats } from './repeats.js'
import { Replies } from './replies.js'
import { hasScope } from './rights.js'
import { validate } from './validate.js'

export interface DoorOptions {
  log: Log
  /** The deployment's secret. */
  secret: string
  resolveAlias: ResolveAlias
  limits: { eventBytes: number; replyMs: number; userMessagesPerSecond: number; userMessagesBurst: number }
  onFailure?(error: Error): void
  /** One call per command that was answered: its code (`ok` for an event) and how long it took. */
  onOutcome?(code: string, ms: number): void
}

export interface SubmitOptions {
  timeoutMs?: number
  traceparent?: string
  /** Default: a request ID of this door. A record of `ingest.events` names itself, so that its repeat is one. */
  origin?: string
  sender?: Identity
}

/** Requests of one door that may wait at once; beyond it `unavailable`. */
const waitingMax = 20_000

export class Door {
  private readonly replies: Replies
  private readonly aliases: Aliases
  private readonly users: RateLimiter
  private readonly repeats = new Repeats()
  private readonly instance = randomBytes(9).toString('base64url')
  private requests = 0

  constructor(private readonly options: DoorOptions) {
    const { log, limits, resolveAlias, onFailure = () => {} } = options
    const partition = randomBytes(4).readUInt32LE() % log.partitions
    this.replies = new Replies(log, partition, waitingMax, onFailure)
    this.aliases = new Aliases(resolveAlias)
    this.users = new RateLimiter({ perSecond: limits.userMessagesPerSecond, burst: limits.userMessagesBurst })
  }

  /** Resolves when no reply can be missed any more. */
  start(): Promise<void> {
    return this.replies.start()
  }

  /** What still waits becomes `unknown`. */
  stop(): Promise<void> {
    return this.replies.stop()
  }

  /** Requests that wait for their outcome now. */
  get waiting(): number {
    return this.replies.size
  }

  /** Charges a user for commands, not checked yet. Services that publish are held back by flow control instead. */
  charge(principal: Principal, inputs: readonly Input[]): WireError | undefined {
    if (hasScope(principal, 'publish')) return undefined
    let cost = 0
    for (const input of inputs) if (!this.repeats.isFree(principal, input)) cost++
    const retryAfterMs = cost === 0 ? 0 : this.users.take(principal.user, cost)
    return retryAfterMs === 0 ? undefined : wireError('limited', 'too many commands of this user', { retryAfterMs })
  }

  /** Performs a command operation with an input that is not checked yet. */
  async perform(principal: Principal, operation: Operation, input: Input, options: SubmitOptions = {}): Promise<Reply> {
    const draft = draftOf(principal, operation, input)
    return 'code' in draft ? { id: '', error: draft } : this.submit(principal, draft, options)
  }

  /** A `do`: the operation that its `type` means. `content` is raw. */
  async do(principal: Principal, frame: Input, options: SubmitOptions = {}): Promise<Reply> {
    const meant = doInput(frame)
    return 'code' in meant ? { id: '', error: meant } : this.perform(principal, meant.operation, meant.input, options)
  }

  /**
   * Submits one command and waits for its outcome. Calls of one caller in one tick for the same room are appended in their order.
   * Never rejects.
   */
  async submit(principal: Principal, draft: CommandDraft, options: SubmitOptions = {}): Promise<Reply> {
    if (draft.room?.startsWith('#')) return this.submitByAlias(principal, draft, draft.room, options)
    const command = this.compose(principal, draft, options)
    if (!isCommand(command)) return { id: '', error: command }
    const { written, reply } = this.write(command, { ...options, reply: true })
    written.catch(() => {})
    return reply
  }

  /**
   * Appends one command. `written` resolves when it is durable and rejects as the log does; `reply` is its outcome, or, where
   * nobody waits for it, what can be said without it.
   */
  write(command: CommandValue, options: SubmitOptions & { reply: boolean }): { written: Promise<unknown>; reply: Promise<Reply> } {
    const id = `${this.instance}.${(this.requests++).toString(36)}`
    if (options.reply && this.replies.full) {
      const error = wireError('unavailable', 'too many requests wait at this door')
      return { written: Promise.reject(new RoomlogError('unavailable', error.message)), reply: Promise.resolve({ id, error }) }
    }
    const started = performance.now()
    const reply: Promise<Reply> = options.reply
      ? this.replies.wait(id, options.timeoutMs ?? this.options.limits.replyMs)
      : Promise.resolve({ id })
    const written = this.produce(command, id, options)
    written.catch((error: Error) => {
      // What may have been appended is waited for: the reply, if there is one, knows better than the failure.
      if (error instanceof RoomlogError && error.code !== 'unknown') this.replies.give(id, { id, error: wireError('unavailable') })
      this.options.onFailure?.(error)
    })
    if (options.reply && this.options.onOutcome) {
      void reply.then((outcome) => this.options.onOutcome?.(outcome.error?.code ?? 'ok', performance.now() - started))
    }
    return { written, reply }
  }

  /** The command of a draft whose room is no alias, or its refusal; nothing is written. */
  compose(principal: Principal, draft: CommandDraft, options: SubmitOptions = {}): CommandValue | WireError {
    return compose(principal, draft, { secret: this.options.secret, eventBytes: this.options.limits.eventBytes, sender: options.sender })
  }

  /** The room of an alias; undefined = there is none. Rooms are themselves. Throws where it cannot be known now. */
  async roomOf(roomOrAlias: string): Promise<string | undefined> {
    return roomOrAlias.startsWith('#') ? this.aliases.room(roomOrAlias) : roomOrAlias
  }

  private async submitByAlias(principal: Principal, draft: CommandDraft, alias: string, options: SubmitOptions): Promise<Reply> {
    let room: string | undefined
    try {
      room = await this.aliases.room(alias)
    } catch (error) {
      this.options.onFailure?.(error as Error)
      return { id: '', error: wireError('unavailable', 'aliases cannot be looked up now') }
    }
    if (room === undefined) return { id: '', error: wireError('not_found') }
    const reply = await this.submit(principal, { ...draft, room }, options)
    // The room may be gone and its alias another's: what is remembered is forgotten, and the next request asks anew.
    if (reply.error?.code === 'not_found') this.aliases.forget(alias)
    return reply
  }

  private async produce(command: CommandValue, id: string, options: SubmitOptions & { reply: boolean }): Promise<void> {
    const { log } = this.options
    const headers: Record<string, string> = { v: recordVersion, origin: options.origin ?? id }
    if (options.reply) headers.reply = `${this.replies.partition}:${id}`
    if (options.traceparent !== undefined) headers.traceparent = options.traceparent
    const topic = commandsTopic(familyOf(command.room))
    await log.produce(topic, partitionOf(command.room, log.partitions), [{ key: command.room, value: encodeCommand(command), headers }])
  }
}

/** The draft that an operation makes of an input, or why there is none. */
export function draftOf(principal: Principal, operation: Operation, input: Input): CommandDraft | WireError {
  const invalid = validate(operation, input)
  if (invalid) return invalid
  if (operation.needs === 'publish' && !hasScope(principal, 'publish')) return wireError('forbidden', 'this needs the scope publish')
  if (!operation.command) return wireError('invalid', `${operation.name} is not a command`)
  return operation.command(input)
}
