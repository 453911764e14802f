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
import { type RecordDraft, RoomlogError } from '@roomlog/log'
import { Alarm } from './alarm.js'
import { Answers } from './answers.js'
import { Checkpoint } from './checkpoint.js'
import { pause } from './clock.js'
import { bury, isElsewhere, redirect } from './detour.js'
import { Fold } from './fold.js'
import { Intake } from './intake.js'
import { Parking } from './parking.js'
import { isSame } from './record.js'
import { References } from './references.js'
import { Refusals } from './refusals.js'
import { untilDone } from './retry.js'
import { Sender } from './sender.js'
import { type Site, type SiteOptions, siteOf } from './site.js'
import { Slice } from './slice.js'
import { takeOver } from './takeover.js'
import { Turn } from './turn.js'
import type { Waiting } from './waiting.js'

export class Authority {
  /** Resolves when the partition is ours and commands are decided. */
  readonly ready: Promise<void>
  /** Resolves after `stop`; rejects with what ended this authority. Then only a new one can go on. */
  readonly ended: Promise<void>
  private readonly site: Site
  private readonly fold: Fold
  private readonly intake: Intake
  private readonly references: References
  private readonly parking: Parking
  private readonly refusals = new Refusals()
  private readonly sender: Sender
  private readonly answers: Answers
  private readonly alarm: Alarm
  private readonly slice = new Slice()
  private checkpoint?: Checkpoint
  private stopping = false
  private broken?: Error
  /** When the last batch or mark was appended, and how many appends failed since one did not. */
  private appendedAt = 0
  private failures = 0

  constructor(options: SiteOptions) {
    const site = siteOf(options)
    this.site = site
    this.fold = new Fold(site, {
      followUps: (offset, then, incarnation) => this.sender.send(offset, then, incarnation),
      stopped: (offset, error) => this.onRoomStopped(offset, error),
    })
    this.references = new References(site, () => this.fold.end)
    this.intake = new Intake(site, (waiting) => this.references.prepare(waiting))
    this.parking = new Parking(site.bounds)
    this.sender = new Sender(site, (error) => this.break(error))
    this.answers = new Answers(site)
    this.alarm = new Alarm(site, this.parking, () => this.intake.nudge())
    this.ready = this.takeOver()
    this.ended = this.ready.then(() => this.live()).finally(() => this.end())
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

  /** Looks whether a checkpoint is due, also where nothing happens any more: what is quiet must not stay uncovered. */
  wake(): void {
    this.intake.nudge()
  }

  /** For health and metrics. */
  get status() {
    const { end, cmd, rooms } = this.fold
    const [waiting, parked, followUps] = [this.intake.size, this.parking.size, this.sender.waiting]
    return { end, cmd, rooms: rooms.size, waiting, parked, followUps, checkpointAt: this.checkpoint?.at }
  }

  private async takeOver(): Promise<void> {
    const { site, fold } = this
    const { observer, place, clock } = site
    const began = clock.now()
    const { owner, restored, nextCommand, commandGap, otherLog } = await takeOver(site, fold)
    this.checkpoint = new Checkpoint(site, { fold, owner, restored, firstOpen: () => this.sender.firstOpen })
    if (commandGap > 0) observer.warn({ ...place, commandGap }, 'commands were trimmed before they were decided; nobody was answered')
    if (otherLog) observer.error({ ...place, end: fold.end }, 'the log is not that of the checkpoint: a new incarnation begins')
    observer.count('commandsLost', commandGap)
    observer.count('otherLogs', otherLog ? 1 : 0)
    observer.count('staleChunks', restored.stale)
    observer.count('takeovers')
    await this.intake.readAgain(fold.parked)
    this.intake.follow(nextCommand)
    const ms = clock.now() - began
    observer.time('takeover', ms)
    // Of empty ones there may be a hundred at the first start.
    if (fold.rooms.size > 0) observer.info({ ...place, owner, rooms: fold.rooms.size, replayed: fold.records, ms }, 'partition taken over')
  }

  private async live(): Promise<void> {
    let turn = this.newTurn()
    while (!this.stopping) {
      await this.intake.arrival()
      if (this.broken ?? this.intake.failure) throw this.broken ?? this.intake.failure
      const full = await this.collect(turn)
      const due = turn.pending && (turn.urgent || full || this.markIn() <= 0)
      if (due) await this.append(turn)
      if (due || full) turn = this.newTurn()
      this.alarm.set(turn.pending ? this.markIn() : undefined)
      this.keepCheckpoint()
      await (this.sender.room() ?? this.answers.room() ?? this.slice.yield())
    }
    if (turn.pending) await this.append(turn)
  }

  /** Decides what waits. True = no more fits into this batch. */
  private async collect(turn: Turn): Promise<boolean> {
    for (let waiting = this.intake.peek(); waiting; waiting = this.intake.peek()) {
      if (turn.full) return true
      if (this.isDecided(waiting)) this.answerAgain(waiting)
      else if (isElsewhere(this.site, waiting)) await this.redirect(turn, waiting)
      else {
        const found = waiting.references instanceof Map ? waiting.references : await this.references.of(waiting)
        if (!turn.take(waiting, found)) return true
      }
      this.intake.shift()
    }
    return false
  }

  private async append(turn: Turn): Promise<void> {
    const { site } = this
    const { log, topics, partition, clock, bounds, observer } = site
    for (const { waiting, error } of turn.poison) await this.untilDone(() => bury(site, waiting, error))
    observer.count('poison', turn.poison.length)
    const records = turn.seal()
    const began = clock.now()
    const outcome = await log.append(topics.events, partition, turn.base, records).catch((error: Error) => error)
    this.appendedAt = clock.now()
    observer.time('append', this.appendedAt - began)
    if (outcome instanceof RoomlogError && !outcome.retriable) throw outcome
    const unknown = outcome instanceof Error
    const taken = !unknown && outcome.appended
    if (taken) this.settle(turn, records)
    const failed = !taken && !(await this.resolve(turn, records, unknown)) && unknown
    if (turn.left.length > 0) this.intake.putBack(turn.left)
    this.failures = failed ? this.failures + 1 : 0
    if (this.failures > 1) await pause(clock, Math.min(bounds.retryMsMin * 2 ** this.failures, bounds.retryMsMax))
  }

  private settle(turn: Turn, records: readonly RecordDraft[]): void {
    const { observer } = this.site
    turn.commit((offset, then) => this.sender.send(offset, then, this.fold.incarnation))
    turn.answer(this.answers)
    for (const { event, bytes } of turn.events) this.references.remember(event, bytes)
    observer.count('batches')
    observer.count('events', turn.events.length)
    observer.count('marks', records.length - turn.events.length)
    for (const [outcome, count] of turn.outcomes) observer.count('decided', count, outcome)
  }

  /** Not taken, or nobody knows: the log says what is true. Never sent again as it was. Returns whether it was taken. */
  private async resolve(turn: Turn, records: readonly RecordDraft[], unknown: boolean): Promise<boolean> {
    const { fold, intake } = this
    const { observer } = this.site
    const voids = fold.voids
    const read = await this.untilDone(() => fold.catchUp())
    const taken = records.every((record, index) => isSame(read[index], record, turn.base + index))
    observer.count(unknown ? 'unknowns' : 'conflicts')
    observer.count('voids', fold.voids - voids)
    observer.count(taken ? 'unknownsTaken' : 'discarded')
    if (taken) turn.answer(this.answers)
    const known = new Map([...turn.taken, ...turn.left, ...this.parking.clear()].map((waiting) => [waiting.record.offset, waiting]))
    turn.left.length = 0
    intake.putBack([...known.values()])
    await this.untilDone(() => intake.readAgain([...fold.parked].filter((offset) => !known.has(offset))))
    return taken
  }

  private newTurn(): Turn {
    return new Turn(this.site, this.fold, this.parking, this.refusals)
  }

  private isDecided({ record: { offset } }: Waiting): boolean {
    return offset <= this.fold.cmd && !this.fold.parked.has(offset)
  }

  /** Another owner decided it, and may not have lived to answer. Judged on what the log holds, not on a turn in the making. */
  private answerAgain(waiting: Waiting): void {
    const outcome = waiting.reply === undefined ? undefined : this.newTurn().repeatOf(waiting)
    if (!outcome) return
    this.answers.give(waiting.reply!, outcome)
    this.site.observer.count('repeatsAnswered')
  }

  private async redirect(turn: Turn, waiting: Waiting): Promise<void> {
    await this.untilDone(() => redirect(this.site, waiting))
    turn.pass(waiting)
  }

  /** Milliseconds until a mark may be appended. */
  private markIn(): number {
    return this.appendedAt + this.site.bounds.markDelayMsMax - this.site.clock.now()
  }

  private keepCheckpoint(): void {
    if (this.checkpoint!.due) void this.checkpoint!.write()
    if (this.checkpoint!.overdue) throw new RoomlogError('unavailable', 'checkpoints are another owner’s: beginning anew')
  }

  private onRoomStopped(offset: number, error: Error): void {
    this.site.observer.count('roomsStopped')
    this.site.observer.error({ ...this.site.place, offset, err: error }, 'a room is stopped: this event of it cannot be folded')
  }

  private break(error: Error): void {
    this.broken = error
    this.intake.nudge()
  }

  private untilDone<T>(act: () => Promise<T>): Promise<T> {
    return untilDone(this.site, 'the log failed', () => this.stopping, act)
  }

  private async end(): Promise<void> {
    this.alarm.off()
    this.sender.stop()
    this.checkpoint?.stop()
    await Promise.all([this.intake.stop(), this.answers.written()])
  }
}
