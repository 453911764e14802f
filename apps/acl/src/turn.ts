/**
 * One batch in the making: commands decided on an overlay, the records that say so, and what is owed once the log has them.
 * Nothing of it is true before its records are valid; a turn that lost its place in the log is thrown away whole.
 */
import type { Decision, FollowUp, References, Refusal, RoomEvent } from '@roomlog/domain'
import type { RecordDraft } from '@roomlog/log'
import { type Reply, refusalError, type WireError } from '@roomlog/protocol'
import type { Answers } from './answers.js'
import { Batch } from './batch.js'
import type { Fold } from './fold.js'
import { Overlay, type OverlayRoom } from './overlay.js'
import type { Parking } from './parking.js'
import { accepted, placed } from './place.js'
import { recordOf } from './record.js'
import type { Refusals } from './refusals.js'
import type { Rules } from './rules.js'
import type { Site } from './site.js'
import { endProcess, outcomeOf, startProcess } from './spans.js'
import { type Then, thensOf } from './then.js'
import { noReferences, type Waiting } from './waiting.js'

type Outcome = Omit<Reply, 'id'>

export class Turn {
  /** The end of the log that this turn is decided on, and where its first record means to stand. */
  readonly base: number
  /** Every command that was judged; put back if the turn is thrown away. */
  readonly taken = new Set<Waiting>()
  /** Parked commands that were released and found no room in this batch: they come first in the next. */
  readonly left: Waiting[] = []
  /** Commands on which a rule threw, or that are none. */
  readonly poison: { waiting: Waiting; error: Error }[] = []
  readonly events: { event: RoomEvent; bytes: number }[] = []
  /** How often each outcome, for the figures. */
  readonly outcomes = new Map<string, number>()
  private readonly overlay: Overlay
  private readonly batch: Batch
  private readonly rules: Rules
  private readonly answers: { waiting: Waiting; outcome: Outcome }[] = []
  private readonly refused: { room: string; origin: string; error: WireError }[] = []

  constructor(
    private readonly site: Site,
    private readonly fold: Fold,
    private readonly parking: Parking,
    private readonly refusals: Refusals,
  ) {
    this.base = fold.end
    this.rules = site.rules
    this.batch = new Batch(fold, site.bounds.batchBytesMax)
    this.overlay = new Overlay(fold.rooms, refusals, site.rules)
  }

  get urgent(): boolean {
    return this.batch.urgent
  }

  get pending(): boolean {
    return this.batch.pending
  }

  get full(): boolean {
    return this.taken.size >= this.site.bounds.batchCommandsMax
  }

  /** Judges one command and whoever waited for it. False = no room is left: it belongs to the next turn. */
  take(waiting: Waiting, references: References | 'unavailable'): boolean {
    const { offset, time } = waiting.record
    for (const over of this.parking.expired(time)) this.takeReleased(over, time)
    startProcess(this.site.topics.commands, this.site.partition, waiting)
    if (!this.judge(waiting, references)) return false
    this.batch.cover(offset)
    return true
  }

  /** A command for another partition: it was produced there, and is done with here. */
  pass(waiting: Waiting): void {
    this.taken.add(waiting)
    this.batch.cover(waiting.record.offset)
    this.count('redirected')
  }

  /** The batch, to be appended at `base`. */
  seal(): RecordDraft[] {
    return this.batch.seal()
  }

  /** The log has taken it. */
  commit(send: (offset: number, then: Then[]) => void): void {
    this.overlay.commit(this.fold.dirty)
    for (const { room, origin, error } of this.refused) this.refusals.setOrigin(room, origin, error)
    this.batch.commit(send)
  }

  /** What is owed to the doors, once; also where somebody else's equal batch is the valid one. */
  answer(answers: Answers): void {
    for (const { waiting, outcome } of this.answers) {
      if (waiting.reply !== undefined) answers.give(waiting.reply, outcome)
      waiting.reply = undefined
    }
    for (const waiting of this.taken) if (!this.batch.parked.has(waiting.record.offset)) endProcess(waiting)
  }

  /** Of a turn that has taken nothing: the first result of a command that the log covers; nothing where it cannot be known any more. */
  repeatOf(waiting: Waiting): Outcome | undefined {
    const { command } = waiting
    if (!command) return undefined
    try {
      const decision = this.rules.decide(this.overlay.room(command.room), command, noReferences)
      if (!('repeat' in decision)) return undefined
      const { event, seq } = decision.repeat
      return { ok: accepted(this.fold, command.room, event, seq) }
    } catch {
      return undefined
    }
  }

  private judge(waiting: Waiting, references: References | 'unavailable', judgedAt?: number): boolean {
    const { command, cause } = waiting
    if (!command) return this.poisoned(waiting, new Error(waiting.invalid))
    if (cause && !this.batch.parked.has(waiting.record.offset) && this.batch.isRepeat(cause)) return this.dropped(waiting)
    const before = cause ? undefined : this.refusals.byOrigin(command.room, command.origin)
    if (before) return this.refusedBefore(waiting, before)
    const room = this.overlay.room(command.room)
    if (room.stopped) return this.refuse(waiting, room, stoppedRoom)
    if (references === 'unavailable') return this.refuse(waiting, room, unreadable)
    try {
      const judged = judgedAt === undefined ? command : { ...command, judgedAt }
      return this.follow(waiting, room, references, this.rules.decide(room, judged, references))
    } catch (error) {
      room.abandon()
      return this.poisoned(waiting, error as Error)
    }
  }

  private follow(waiting: Waiting, room: OverlayRoom, references: References, decision: Decision): boolean {
    if ('events' in decision) return this.accept(waiting, room, decision)
    if ('repeat' in decision) return this.repeat(waiting, room, decision.repeat)
    if ('forward' in decision) return this.sendOn(waiting, decision.forward) && this.done(waiting, 'forwarded')
    if ('park' in decision) return this.park(waiting, room, references, decision.park)
    return this.refuse(waiting, room, decision)
  }

  private accept(waiting: Waiting, room: OverlayRoom, decision: Extract<Decision, { events: unknown }>): boolean {
    const command = waiting.command!
    const events: RoomEvent[] = []
    const followUps: FollowUp[] = [...(decision.then ?? [])]
    const records = decision.events.map((draft, index) => {
      const origin = { command, commandOffset: waiting.record.offset, index }
      const event = placed(this.site, this.fold, room, draft, this.batch.next + index, origin)
      room.fold(event)
      events.push(event)
      const own = this.rules.followUps(event, room, this.fold.epoch)
      followUps.push(...own)
      return { record: recordOf(event, waiting.traceparent), followUps: thensOf(own, waiting.traceparent, waiting.reply) }
    })
    const added = this.batch.add(records, thensOf(decision.then ?? [], waiting.traceparent, waiting.reply))
    if (added !== 'added') {
      room.abandon()
      return added === 'too_large' && this.refuse(waiting, room, tooLarge)
    }
    room.accept()
    for (const [index, event] of events.entries()) this.events.push({ event, bytes: records[index]!.record.value!.length })
    if (!followUps.some(({ carriesReply }) => carriesReply)) {
      const { id, seq } = events.at(-1) ?? { id: '', seq: this.rules.nextSeq(room) - 1 }
      this.owe(waiting, { ok: { ...accepted(this.fold, command.room, id, seq), ...decision.result } })
    }
    return this.done(waiting, 'accepted')
  }

  /** It leaves no event, like a refusal: who names it as `prevActionId` must not wait for one. */
  private repeat(waiting: Waiting, room: OverlayRoom, first: { event: string; seq: number }): boolean {
    room.noteRefused(waiting.command!)
    this.owe(waiting, { ok: accepted(this.fold, waiting.command!.room, first.event, first.seq) })
    return this.done(waiting, 'repeated')
  }

  private park(
    waiting: Waiting,
    room: OverlayRoom,
    references: References,
    { for: actionId, untilMs }: { for: number; untilMs: number },
  ): boolean {
    if (!this.parking.add(waiting, actionId, untilMs)) {
      // As if its time were over, so that what was claimed on its way is given back.
      const over = this.rules.decide(room, { ...waiting.command!, judgedAt: untilMs }, references)
      const then = 'refused' in over ? over.then : undefined
      return this.refuse(waiting, room, { ...tooManyWait, then })
    }
    this.taken.add(waiting)
    this.batch.parked.add(waiting.record.offset)
    if (waiting.cause) this.batch.note(waiting.cause)
    this.count('parked')
    return true
  }

  private refuse(waiting: Waiting, room: OverlayRoom, refusal: Refusal & { then?: FollowUp[] }): boolean {
    const then = refusal.then ?? []
    if (then.length > 0 && !this.sendOn(waiting, then)) return false
    const error = refusalError(refusal)
    if (!then.some(({ carriesReply }) => carriesReply)) this.owe(waiting, { error })
    const command = waiting.command!
    room.noteRefused(command)
    if (command.origin !== '') this.refused.push({ room: command.room, origin: command.origin, error })
    return this.done(waiting, refusal.refused)
  }

  /** The same record twice in the log. */
  private refusedBefore(waiting: Waiting, error: WireError): boolean {
    this.owe(waiting, { error })
    return this.done(waiting, 'repeated')
  }

  private poisoned(waiting: Waiting, error: Error): boolean {
    this.poison.push({ waiting, error })
    this.owe(waiting, { error: refusalError({ refused: 'internal', message: 'the command could not be decided' }) })
    return this.done(waiting, 'internal')
  }

  /** A repeat of a follow-up that is decided already. */
  private dropped(waiting: Waiting): boolean {
    this.taken.add(waiting)
    this.count('dropped')
    return true
  }

  private sendOn(waiting: Waiting, followUps: readonly FollowUp[]): boolean {
    const added = this.batch.add([], thensOf(followUps, waiting.traceparent, waiting.reply))
    if (added === 'too_large') throw new Error('what it sends on is larger than one batch')
    return added === 'added'
  }

  private done(waiting: Waiting, outcome: string): boolean {
    this.taken.add(waiting)
    this.batch.parked.delete(waiting.record.offset)
    if (waiting.cause) this.batch.note(waiting.cause)
    outcomeOf(waiting, outcome)
    this.count(outcome)
    if (waiting.command) for (const released of this.parking.decided(waiting.command)) this.takeReleased(released, waiting.record.time)
    return true
  }

  private takeReleased(waiting: Waiting, at: number): void {
    const references = typeof waiting.references === 'string' || waiting.references instanceof Promise ? 'unavailable' : waiting.references
    if (!this.judge(waiting, references, Math.max(at, waiting.record.time))) this.left.push(waiting)
  }

  private owe(waiting: Waiting, outcome: Outcome): void {
    if (waiting.reply !== undefined) this.answers.push({ waiting, outcome })
  }

  private count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}

const stoppedRoom: Refusal = { refused: 'internal', message: 'this room is stopped: an event of it cannot be read' }
const unreadable: Refusal = { refused: 'unavailable', message: 'an event that it refers to cannot be read now', retriable: true }
const tooLarge: Refusal = { refused: 'too_large', message: 'its events are larger than one batch' }
const tooManyWait: Refusal = { refused: 'limited', message: 'too many actions wait for an earlier one', retriable: true }
