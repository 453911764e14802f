/**
 * What every door does with a wish: check it by the operation table, charge it, make it a command, append that to
 * `<family>.commands` and wait for what the authority decides.
 *
 * The answer is one of three: what was appended; a refusal (nothing was, or `unavailable`: definitely not); or `unknown`, when the
 * command may be in the log. A door never tries again by itself: the client repeats with the same action ID.
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '@roomlog/log'
import { type CommandValue, type Reply, type WireError, wireError } from '@roomlog/protocol'
import type { CommandDraft, Input, Operation } from '@roomlog/protocol/operations'
import { Acks, type ResolveMarker } from './acks.js'
import { Aliases, type ResolveAlias } from './aliases.js'
import { compose, isCommand } from './compose.js'
import { doInput } from './do.js'
import { RateLimiter } from './limits.js'
import type { Principal } from './principal.js'
import { Repeats } from './repeats.js'
import { Replies } from './replies.js'
import type { Revocations } from './revocations.js'
import { hasScope } from './rights.js'
import { validate } from './validate.js'
import { CommandWriter, type Entry, type SubmitOptions, type Written } from './writer.js'

export type { Entry, SubmitOptions, Written } from './writer.js'

export interface DoorOptions {
  log: Log
  /** The deployment's secret. */
  secret: string
  resolveAlias: ResolveAlias
  /** Absent: no device is known to be signed out. */
  revocations?: Revocations
  /** Absent: this door takes no acks. */
  resolveMarker?: ResolveMarker
  limits: { eventBytes: number; replyMs: number; userMessagesPerSecond: number; userMessagesBurst: number }
  onFailure?(error: Error): void
  /** One call per command that was answered: its code (`ok` for an event) and how long it took. */
  onOutcome?(code: string, ms: number): void
}

/** Requests of one door that may wait at once; beyond it `unavailable`. */
const waitingMax = 20_000

export class Door {
  private readonly replies: Replies
  private readonly aliases: Aliases
  private readonly users: RateLimiter
  private readonly repeats = new Repeats()
  private readonly writer: CommandWriter
  private readonly acks: Acks | undefined

  constructor(private readonly options: DoorOptions) {
    const { log, limits, resolveAlias, onFailure = () => {}, onOutcome } = options
    const partition = randomBytes(4).readUInt32LE() % log.partitions
    this.replies = new Replies(log, partition, waitingMax, onFailure)
    this.writer = new CommandWriter({ log, replies: this.replies, replyMs: limits.replyMs, onFailure, onOutcome })
    this.aliases = new Aliases(resolveAlias)
    const { resolveMarker: resolve } = options
    if (resolve) this.acks = new Acks({ resolve, onFailure, write: (principal, draft, more) => this.submit(principal, draft, more) })
    this.users = new RateLimiter({ perSecond: limits.userMessagesPerSecond, burst: limits.userMessagesBurst })
  }

  /** Resolves when no reply can be missed any more. */
  start(): Promise<void> {
    this.options.revocations?.start()
    return this.replies.start()
  }

  /** What still waits becomes `unknown`. */
  stop(): Promise<void> {
    this.acks?.stop()
    this.options.revocations?.stop()
    return this.replies.stop()
  }

  /** Requests that wait for their outcome now. */
  get waiting(): number {
    return this.replies.size
  }

  /** Whether the device was signed out since its token was issued: known within about a second, and at no cost. */
  isRevoked(principal: Principal): boolean {
    return this.options.revocations?.has(principal) ?? false
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
    if (this.isRevoked(principal)) return { id: '', error: signedOut() }
    const draft = draftOf(principal, operation, input)
    if ('code' in draft) return { id: '', error: draft }
    return draft.type === 'room.ack' ? this.ack(principal, input, options) : this.submit(principal, draft, options)
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
    return this.writer.gather({ command, options: { ...options, reply: true } })
  }

  /** Writes composed commands, each partition's together and in their order; all are on their way when this returns. */
  write(entries: readonly Entry[]): Written[] {
    return this.writer.write(entries)
  }

  /** The command of a draft whose room is no alias, or its refusal; nothing is written. */
  compose(principal: Principal, draft: CommandDraft, options: SubmitOptions = {}): CommandValue | WireError {
    return compose(principal, draft, { secret: this.options.secret, eventBytes: this.options.limits.eventBytes, sender: options.sender })
  }

  /** The room of an alias; undefined = there is none. Rooms are themselves. Throws where it cannot be known now. */
  async roomOf(roomOrAlias: string): Promise<string | undefined> {
    return roomOrAlias.startsWith('#') ? this.aliases.room(roomOrAlias) : roomOrAlias
  }

  private async ack(principal: Principal, input: Input, options: SubmitOptions): Promise<Reply> {
    try {
      const room = await this.roomOf(input.room)
      if (room === undefined) return { id: '', error: wireError('not_found') }
      return (await this.acks?.ack(principal, { ...input, room }, options)) ?? { id: '', error: wireError('unavailable') }
    } catch (error) {
      this.options.onFailure?.(error as Error)
      return { id: '', error: wireError('unavailable', 'aliases cannot be looked up now') }
    }
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
}

/** The draft that an operation makes of an input, or why there is none. */
export function draftOf(principal: Principal, operation: Operation, input: Input): CommandDraft | WireError {
  const invalid = validate(operation, input)
  if (invalid) return invalid
  if (operation.needs === 'publish' && !hasScope(principal, 'publish')) return wireError('forbidden', 'this needs the scope publish')
  if (!operation.command) return wireError('invalid', `${operation.name} is not a command`)
  const draft = operation.command(input)
  return operation.inbox ? { ...draft, room: `@${input.onBehalfOf ?? principal.user}` } : draft
}

export const signedOut = (): WireError => wireError('unauthenticated', 'this device was signed out')
