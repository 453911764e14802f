/**
 * The authority: the one writer of one partition of `room.events` (or `user.events`).
 *
 * Problem: many doors wish, many readers must see one order, and any process may die, pause or be doubled at any moment.
 * Invariant: what is true is what the log holds. A batch is decided on the log's end and appended only there; nobody is
 * answered, and nothing is sent on, before its records are valid. So whatever goes wrong, forgetting and reading again is right.
 *
 *   take over   checkpoint → replay → owner mark → commands from the last decided one on            (takeover.ts)
 *   collect     decide what waits on an overlay, as much as one batch holds                         (intake.ts, turn.ts)
 *   append      one batch at a time; what came meanwhile is the next batch, nothing waits for it
 *   settle      taken: commit, answer, send follow-ups · anything else: discard, read, decide again
 *
 * A batch of refusals only becomes a mark, at most 50 a second, because nobody may be told "no" that a successor could
 * decide otherwise. Two owners at once are slow, never wrong: one of them always finds the log moved.
 */
import { type Log, partitionOf, type RecordDraft, RoomlogError } from '@roomlog/log'
import { commandsTopic, eventsTopic, type Family, familyOf, stateTopic } from '@roomlog/protocol'
import { Answers } from './answers.js'
import { type Bounds, bounds as defaultBounds } from './bounds.js'
import { Checkpoint } from './checkpoint.js'
import { type Clock, pause, systemClock } from './clock.js'
import { deadLetter } from './dead.js'
import type { Fold } from './fold.js'
import { Intake } from './intake.js'
import type { Observer } from './observer.js'
import { Parking } from './parking.js'
import { isSame } from './record.js'
import { type History, type ReferenceCache, References } from './references.js'
import { Refusals } from './refusals.js'
import type { Rules } from './rules.js'
import { Sender } from './sender.js'
import { Slice } from './slice.js'
import { takeOver } from './takeover.js'
import { timePassed } from './time.js'
import { Turn } from './turn.js'
import { noReferences, type Waiting } from './waiting.js'

export interface AuthorityOptions {
  log: Log
  family: Family
  partition: number
  rules: Rules
  observer: Observer
  cache: ReferenceCache
  /** Names a new incarnation of the log. */
  newId: () => string
  clock?: Clock
  history?: History
  bounds?: Partial<Bounds>
}

export class Authority {
  /** Resolves when the partition is ours and commands are decided. */
  readonly ready: Promise<void>
  /** Resolves after `stop`; rejects with what ended this authority. Then only a new one can go on. */
  readonly ended: Promise<void>
  private fold!: Fold
  private checkpoint!: Checkpoint
  private stopping = false
  private markedAt = 0
  private failures = 0
  private readonly clock: Clock
  private readonly bounds: Bounds
  private readonly intake: Intake
  private readonly references: References
  private readonly sender: Sender
  private readonly answers: Answers
  private readonly parking: Parking
  private readonly refusals = new Refusals()
  private readonly slice = new Slice()
  private cancelTimer = () => {}

  constructor(private readonly of: AuthorityOptions) {
    const { log, family, partition } = of
    const failing = (what: string) => (error: Error) => of.observer.warn({ family, partition, err: error }, what)
    this.clock = of.clock ?? systemClock
    this.bounds = { ...defaultBounds, ...of.bounds }
    this.parking = new Parking(this.bounds)
    this.intake = new Intake(log, commandsTopic(family), partition, (waiting) => this.prepare(waiting), failing('commands cannot be read; trying again'))
    this.references = new References(log, eventsTopic(family), partition, of.cache, () => this.fold.end, of.history)
    this.sender = new Sender(log, { topic: eventsTopic(family), partition }, this.clock, failing('follow-ups cannot be written; trying again'))
    this.answers = new Answers(log, failing('answers are lost'))
    const taken = this.takeOver()
    this.ready = taken
    this.ended = taken.then(() => this.live()).finally(() => this.end())
    this.ready.catch(() => {})
    this.ended.catch(() => {})
  }

  /** Hands over in good order: what is decided is appended and answered, the rest is left to the next owner. */
  async stop(): Promise<void> {
    this.stopping = true
    this.sender.stop()
    this.intake.nudge()
    await this.ended.catch(() => {})
  }

  /** For health and metrics. */
  get status() {
    const { fold, checkpoint } = this
    return { end: fold?.end ?? 0, cmd: fold?.cmd ?? -1, waiting: this.intake.size, parked: this.parking.size, rooms: fold?.rooms.size ?? 0, followUps: this.sender.waiting, checkpointAt: checkpoint?.at }
  }

  private async takeOver(): Promise<void> {
    const { log, family, partition, rules, newId, observer } = this.of
    const began = this.clock.now()
    const listener = {
      followUps: (offset: number, then: Parameters<Sender['send']>[1]) => this.sender.send(offset, then, this.fold.incarnation),
      stopped: (_room: string, offset: number, error: Error) => {
        observer.count('roomsStopped')
        observer.error({ family, partition, offset, err: error }, 'a room is stopped: this event of it cannot be folded')
      },
    }
    const taken = await takeOver({ log, family, partition, rules, newId, listener, onFold: (fold) => (this.fold = fold) })
    const { fold, owner, restored, nextCommand, commandGap } = taken
    this.checkpoint = new Checkpoint({ log, topic: stateTopic(family), fold, owner, restored, clock: this.clock, observer, bounds: this.bounds, firstOpen: () => this.sender.firstOpen })
    if (commandGap > 0) observer.warn({ family, partition, from: fold.cmd + 1, commands: commandGap }, 'commands were trimmed before they were decided; nobody was answered')
    if (taken.otherLog) observer.error({ family, partition, end: fold.end }, 'the log is not the one that the checkpoint was made from: a new incarnation begins')
    observer.count('commandsLost', commandGap)
    observer.count('otherLogs', taken.otherLog ? 1 : 0)
    observer.count('staleChunks', restored.stale)
    observer.count('takeovers')
    await this.intake.readAgain(fold.parked)
    this.intake.follow(nextCommand)
    observer.time('takeover', this.clock.now() - began)
    observer.info({ family, partition, owner, rooms: fold.rooms.size, replayed: fold.records, ms: this.clock.now() - began }, 'partition taken over')
  }

  private async live(): Promise<void> {
    let turn = this.newTurn()
    while (!this.stopping) {
      await this.intake.arrival()
      if (this.intake.failure) throw this.intake.failure
      const full = await this.collect(turn)
      if (turn.urgent || full || (turn.pending && this.markIsDue())) {
        await this.append(turn)
        turn = this.newTurn()
      }
      this.planTimer(turn)
      if (this.checkpoint.due) void this.checkpoint.write()
      if (this.checkpoint.overdue) throw new RoomlogError('unavailable', 'checkpoints are another owner’s: beginning anew')
      await (this.sender.room() ?? this.answers.room() ?? this.slice.yield())
    }
    if (turn.pending) await this.append(turn)
  }

  /** Decides what waits. True = no more fits into this batch. */
  private async collect(turn: Turn): Promise<boolean> {
    for (let waiting = this.intake.peek(); waiting; waiting = this.intake.peek()) {
      if (turn.full) return true
      if (this.isDecided(waiting)) this.answerAgain(turn, waiting)
      else if (this.isElsewhere(waiting)) await this.redirect(turn, waiting)
      else if (!turn.take(waiting, await this.referencesOf(waiting))) return true
      this.intake.shift()
    }
    return false
  }

  private async append(turn: Turn): Promise<void> {
    const { log, family, partition, observer } = this.of
    for (const { waiting, error } of turn.poison) await this.untilDone(() => deadLetter(log, commandsTopic(family), partition, waiting, error))
    const records = turn.seal()
    const began = this.clock.now()
    const outcome = await log.append(this.fold.topic, partition, turn.base, records).catch((error: Error) => error)
    observer.time('append', this.clock.now() - began)
    this.markedAt = this.clock.now()
    if (outcome instanceof RoomlogError && !outcome.retriable) throw outcome
    if (!(outcome instanceof Error) && outcome.appended) this.settle(turn, records)
    else await this.resolve(turn, records, outcome instanceof Error)
    this.failures = outcome instanceof Error ? this.failures + 1 : 0
    if (this.failures > 1) await pause(this.clock, Math.min(this.bounds.retryMsMin * 2 ** this.failures, this.bounds.retryMsMax))
    if (turn.left.length > 0) this.intake.putBack(turn.left)
  }

  private settle(turn: Turn, records: readonly RecordDraft[]): void {
    const { observer } = this.of
    turn.commit((offset, then) => this.sender.send(offset, then, this.fold.incarnation))
    turn.answer((address, outcome) => this.answers.give(address, outcome))
    for (const { event, bytes } of turn.events) this.references.remember(event, bytes)
    observer.count('batches')
    observer.count('events', turn.events.length)
    observer.count('marks', records.length - turn.events.length)
    for (const [outcome, count] of turn.outcomes) observer.count('decided', count, outcome)
  }

  /** Not taken, or nobody knows: the log says what is true. Never sent again as it was. */
  private async resolve(turn: Turn, records: readonly RecordDraft[], unknown: boolean): Promise<void> {
    const { observer } = this.of
    const voids = this.fold.voids
    const read = await this.untilDone(() => this.fold.catchUp(this.of.log))
    const taken = records.every((record, index) => isSame(read[index], record, turn.base + index))
    observer.count(unknown ? 'unknowns' : 'conflicts')
    observer.count('voids', this.fold.voids - voids)
    observer.count(taken ? 'unknownsTaken' : 'discarded')
    if (taken) turn.answer((address, outcome) => this.answers.give(address, outcome))
    const known = new Map([...turn.taken, ...turn.left, ...this.parking.clear()].map((waiting) => [waiting.record.offset, waiting]))
    this.intake.putBack([...known.values()])
    await this.untilDone(() => this.intake.readAgain([...this.fold.parked].filter((offset) => !known.has(offset))))
  }

  private newTurn(): Turn {
    return new Turn(this.fold, this.of.rules, this.parking, this.refusals, this.bounds)
  }

  private isDecided({ record: { offset } }: Waiting): boolean {
    return offset <= this.fold.cmd && !this.fold.parked.has(offset)
  }

  private isElsewhere({ command }: Waiting): boolean {
    return command !== undefined && (familyOf(command.room) !== this.of.family || partitionOf(command.room, this.of.log.partitions) !== this.of.partition)
  }

  private async redirect(turn: Turn, waiting: Waiting): Promise<void> {
    const { key, value, headers } = waiting.record
    const room = waiting.command!.room
    const { offset: _, sum: __, ...kept } = headers
    await this.untilDone(() => this.of.log.produce(commandsTopic(familyOf(room)), partitionOf(room, this.of.log.partitions), [{ key, value, headers: kept }]))
    turn.pass(waiting)
  }

  private async referencesOf(waiting: Waiting) {
    let found = await waiting.references
    const { room } = waiting.command ?? { room: '' }
    if (found === 'beyond') found = await this.references.resolveNow(room, this.of.rules.needs(waiting.command!))
    waiting.references = found
    return found === 'beyond' ? noReferences : found
  }

  private prepare(waiting: Waiting): void {
    if (!waiting.command) return
    const ids = this.of.rules.needs(waiting.command)
    if (ids.length > 0) waiting.references = this.references.resolve(waiting.command.room, ids)
  }

  private answerAgain(turn: Turn, waiting: Waiting): void {
    const outcome = waiting.reply !== undefined && waiting.command && turn.repeatOf(waiting)
    if (outcome) this.answers.give(waiting.reply!, outcome)
    if (outcome) this.of.observer.count('repeatsAnswered')
  }

  private markIsDue(): boolean {
    return this.clock.now() - this.markedAt >= this.bounds.markDelayMsMax
  }

  /** One timer: for the mark that refusals wait for, or for the end of the first parked command. */
  private planTimer(turn: Turn): void {
    this.cancelTimer()
    const now = this.clock.now()
    const next = this.parking.next
    if (turn.pending) this.cancelTimer = this.clock.after(Math.max(1, this.markedAt + this.bounds.markDelayMsMax - now), () => this.intake.nudge())
    else if (next) this.cancelTimer = this.clock.after(Math.max(next.untilMs - now, this.bounds.retryMsMin), () => void this.tellTime(next.room))
  }

  private async tellTime(room: string): Promise<void> {
    const { log, family, partition, observer } = this.of
    observer.count('timesPassed')
    await log.produce(commandsTopic(family), partition, [timePassed(room, this.clock.now())]).catch(() => {})
    this.intake.nudge()
  }

  /** A failure of the log is waited out: there is nothing else that this partition could do. */
  private async untilDone<T>(act: () => Promise<T>): Promise<T> {
    for (let retryMs = this.bounds.retryMsMin; ; retryMs = Math.min(retryMs * 2, this.bounds.retryMsMax)) {
      try {
        return await act()
      } catch (error) {
        if (this.stopping || (error instanceof RoomlogError && !error.retriable)) throw error
        this.of.observer.warn({ partition: this.of.partition, err: error }, 'the log failed; trying again')
        await pause(this.clock, retryMs)
      }
    }
  }

  private async end(): Promise<void> {
    this.cancelTimer()
    this.sender.stop()
    await Promise.all([this.intake.stop(), this.checkpoint?.stop(), this.answers.written()])
  }
}
