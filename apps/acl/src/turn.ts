/**
 * One batch in the making: commands decided on an overlay, the records that say so, and what is owed once the log has them.
 * Nothing of it is true before its records are valid; a turn that lost its place in the log is thrown away whole.
 */
import type { Command, Decision, EventDraft, FollowUp, References, Refusal, RoomEvent } from '@roomlog/domain'
import { bounds as logBounds, eventCheck, eventId, parseEventId, position, type RecordDraft } from '@roomlog/log'
import { type Cause, refusalError, type Reply, type WireError } from '@roomlog/protocol'
import type { Bounds } from './bounds.js'
import { type CausePlace, encodeCauses, laterCause, sourceOf } from './causes.js'
import type { Fold } from './fold.js'
import { Overlay, type OverlayRoom } from './overlay.js'
import type { Parking } from './parking.js'
import { type Draft, markRecord, recordOf, sizeOf } from './record.js'
import type { Refusals } from './refusals.js'
import type { Rules } from './rules.js'
import { encodeThen, type Then, thensOf } from './then.js'
import type { Waiting } from './waiting.js'

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
  /** Outcomes by name, for the figures. */
  readonly outcomes = new Map<string, number>()
  private readonly overlay: Overlay
  private readonly records: Draft[] = []
  private readonly answers: { waiting: Waiting; outcome: Omit<Reply, 'id'> }[] = []
  private readonly sends: { index: number; then: Then[] }[] = []
  private readonly then: Then[] = []
  private readonly causes = new Map<string, CausePlace>()
  private readonly refused: { room: string; origin: string; error: WireError }[] = []
  private readonly parked: Set<number>
  private cmd: number
  private bytes = 0
  private readonly epoch: string

  constructor(
    private readonly fold: Fold,
    private readonly rules: Rules,
    private readonly parking: Parking,
    private readonly refusals: Refusals,
    private readonly bounds: Bounds,
  ) {
    this.base = fold.end
    this.cmd = fold.cmd
    this.epoch = fold.epoch
    this.parked = new Set(fold.parked)
    this.overlay = new Overlay(fold.rooms, refusals, rules)
  }

  /** Whether the log must hear of this turn, and cannot wait for more: it has events, or sends something on. */
  get urgent(): boolean {
    return this.records.length > 0 || this.then.length > 0
  }

  /** Whether it says anything that the log does not. */
  get pending(): boolean {
    return this.urgent || this.cmd > this.fold.cmd || this.causes.size > 0 || !sameMembers(this.parked, this.fold.parked)
  }

  get full(): boolean {
    return this.taken.size >= this.bounds.batchCommandsMax
  }

  /** Judges one command and whoever waited for it. False = no room is left: it belongs to the next turn. */
  take(waiting: Waiting, references: References | 'unavailable'): boolean {
    const { offset, time } = waiting.record
    for (const over of this.parking.expired(time)) this.takeReleased(over, time)
    if (!this.judge(waiting, references)) return false
    this.cmd = Math.max(this.cmd, offset)
    return true
  }

  /** A command for another partition: it was produced there, and is done with here. */
  pass(waiting: Waiting): void {
    this.taken.add(waiting)
    this.cmd = Math.max(this.cmd, waiting.record.offset)
    this.count('redirected')
  }

  /** The batch. Its last record says what is parked and which causes are decided. */
  seal(): RecordDraft[] {
    if (this.then.length > 0) this.records.push(markRecord({ mark: 'decided', then: this.then.map(encodeThen) }))
    else if (this.records.length === 0) this.records.push(markRecord({ mark: 'decided' }))
    const cmd = String(this.cmd)
    for (const { headers } of this.records) headers['cmd'] = cmd
    const last = this.records.at(-1)!.headers
    if (this.causes.size > 0) last['causes'] = JSON.stringify(encodeCauses(this.causes))
    if (!sameMembers(this.parked, this.fold.parked)) last['parked'] = JSON.stringify([...this.parked].sort((a, b) => a - b))
    return this.records
  }

  /** The log has taken it: the fold is moved as reading the records would. */
  commit(send: (offset: number, then: Then[]) => void): void {
    this.overlay.commit(this.fold.dirty)
    for (const { room, origin, error } of this.refused) this.refusals.setOrigin(room, origin, error)
    this.fold.cmd = this.cmd
    this.fold.parked = this.parked
    for (const [source, place] of this.causes) this.fold.decided(source, place)
    this.fold.end = this.base + this.records.length
    this.fold.last = { offset: this.fold.end - 1, value: this.records.at(-1)!.value }
    for (const { index, then } of this.sends) send(this.base + index, then)
    if (this.then.length > 0) send(this.fold.end - 1, this.then)
  }

  /** What is owed to the doors, once; also where somebody else's equal batch is the valid one. */
  answer(give: (address: string, outcome: Omit<Reply, 'id'>) => void): void {
    for (const { waiting, outcome } of this.answers) {
      if (waiting.reply !== undefined) give(waiting.reply, outcome)
      waiting.reply = undefined
    }
  }

  /** The first result of a command that the log covers already; nothing where it cannot be known any more. */
  repeatOf(waiting: Waiting): Omit<Reply, 'id'> | undefined {
    const command = waiting.command!
    try {
      const decision = this.rules.decide(this.overlay.room(command.room), command, new Map())
      return 'repeat' in decision ? { ok: this.repeated(command, decision.repeat) } : undefined
    } catch {
      return undefined
    }
  }

  private judge(waiting: Waiting, references: References | 'unavailable', judgedAt?: number): boolean {
    const { command, cause } = waiting
    if (!command) return this.poisoned(waiting, new Error(waiting.invalid))
    if (cause && !this.parked.has(waiting.record.offset) && this.isRepeat(cause)) return this.dropped(waiting)
    const before = cause ? undefined : this.refusals.byOrigin(command.room, command.origin)
    if (before) return this.refusedBefore(waiting, before)
    const room = this.overlay.room(command.room)
    if (room.stopped) return this.refuse(waiting, room, { refused: 'internal', message: 'this room is stopped: an event of it cannot be read' })
    if (references === 'unavailable') {
      return this.refuse(waiting, room, { refused: 'unavailable', message: 'an event that it refers to cannot be read now', retriable: true })
    }
    try {
      return this.follow(waiting, room, references, this.rules.decide(room, judgedAt === undefined ? command : { ...command, judgedAt }, references))
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
    const made = decision.events.map((draft, index) => {
      const event = this.stamp(room, command, waiting.record.offset, draft, index)
      room.fold(event)
      const followUps = this.rules.followUps(event, room, this.epoch)
      return { event, record: recordOf(event, waiting.traceparent), followUps }
    })
    const then = thensOf(decision.then ?? [], waiting.traceparent, waiting.reply)
    const bytes = made.reduce((sum, { record }) => sum + sizeOf(record), 0)
    if (!this.fits(bytes, then)) {
      room.abandon()
      if (this.bytes > 0) return false
      return this.refuse(waiting, room, { refused: 'too_large', message: 'its events are larger than one batch' })
    }
    room.accept()
    for (const { event, record, followUps } of made) {
      if (followUps.length > 0) this.sends.push({ index: this.records.length, then: thensOf(followUps, waiting.traceparent, waiting.reply) })
      this.events.push({ event, bytes: record.value!.length })
      this.records.push(record)
    }
    this.then.push(...then)
    const answersLater = [...(decision.then ?? []), ...made.flatMap(({ followUps }) => followUps)].some(({ carriesReply }) => carriesReply)
    if (!answersLater) this.owe(waiting, { ok: { ...this.placeOf(made.at(-1)?.event, room, command), ...decision.result } })
    return this.done(waiting, 'accepted')
  }

  private stamp(room: OverlayRoom, command: Command, commandOffset: number, draft: EventDraft, index: number): RoomEvent {
    const at = this.rules.roomTime(room, command)
    const { incarnation, partition } = this.fold
    const check = eventCheck({ incarnation, room: command.room, sender: draft.sender.id, at, commandOffset, index })
    const id = eventId({ partition, offset: this.base + this.records.length + index, check })
    return { ...draft, id, room: command.room, seq: this.rules.nextSeq(room), at }
  }

  /** It leaves no event, like a refusal: who names it as `prevActionId` must not wait for one. */
  private repeat(waiting: Waiting, room: OverlayRoom, first: { event: string; seq: number }): boolean {
    room.noteRefused(waiting.command!)
    this.owe(waiting, { ok: this.repeated(waiting.command!, first) })
    return this.done(waiting, 'repeated')
  }

  private park(waiting: Waiting, room: OverlayRoom, references: References, { for: actionId, untilMs }: { for: number; untilMs: number }): boolean {
    if (!this.parking.add(waiting, actionId, untilMs)) {
      // As if its time were over, so that what was claimed on its way is given back.
      const over = this.rules.decide(room, { ...waiting.command!, judgedAt: untilMs }, references)
      const then = 'refused' in over ? over.then : undefined
      return this.refuse(waiting, room, { refused: 'limited', message: 'too many actions wait for an earlier one', retriable: true, then })
    }
    this.taken.add(waiting)
    this.parked.add(waiting.record.offset)
    this.note(waiting.cause)
    this.count('parked')
    return true
  }

  private refuse(waiting: Waiting, room: OverlayRoom, refusal: Refusal & { then?: FollowUp[] }): boolean {
    const then = refusal.then ?? []
    if (!this.sendOn(waiting, then)) return false
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
    const then = thensOf(followUps, waiting.traceparent, waiting.reply)
    if (!this.fits(0, then)) {
      if (this.bytes > 0) return false
      throw new Error('what it sends on is larger than one batch')
    }
    this.then.push(...then)
    return true
  }

  private done(waiting: Waiting, outcome: string): boolean {
    this.taken.add(waiting)
    this.parked.delete(waiting.record.offset)
    this.note(waiting.cause)
    this.count(outcome)
    if (waiting.command) for (const released of this.parking.decided(waiting.command)) this.takeReleased(released, waiting.record.time)
    return true
  }

  private takeReleased(waiting: Waiting, at: number): void {
    const references = typeof waiting.references === 'string' || waiting.references instanceof Promise ? 'unavailable' : waiting.references
    if (!this.judge(waiting, references, Math.max(at, waiting.record.time))) this.left.push(waiting)
  }

  private isRepeat(cause: Cause): boolean {
    const source = sourceOf(cause)
    return !laterCause([cause.offset, cause.index], this.causes.get(source) ?? this.fold.causes.get(source))
  }

  /** Also of what is parked: from then on its offset says that it is no repeat. */
  private note(cause: Cause | undefined): void {
    if (cause && !this.isRepeat(cause)) this.causes.set(sourceOf(cause), [cause.offset, cause.index])
  }

  private fits(bytes: number, then: readonly Then[]): boolean {
    const more = bytes + then.reduce((sum, { command }) => sum + command.content.length * 6 + 2_000, 0)
    const fits = this.bytes + more <= (this.bytes === 0 ? logBounds.appendBytesMax - 10_000 : this.bounds.batchBytesMax)
    if (fits) this.bytes += more
    return fits
  }

  private owe(waiting: Waiting, outcome: Omit<Reply, 'id'>): void {
    if (waiting.reply !== undefined) this.answers.push({ waiting, outcome })
  }

  private repeated(command: Command, { event, seq }: { event: string; seq: number }) {
    return { event, room: command.room, seq, position: this.positionOf(event, seq) }
  }

  private placeOf(event: RoomEvent | undefined, room: OverlayRoom, command: Command) {
    if (!event) return { event: '', room: command.room, seq: this.rules.nextSeq(room) - 1, position: '' }
    return { event: event.id, room: event.room, seq: event.seq, position: this.positionOf(event.id, event.seq) }
  }

  private positionOf(id: string, seq: number): string {
    const place = parseEventId(id)
    return place ? position({ epoch: this.epoch, ...place, seq }) : ''
  }

  private count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}

function sameMembers(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  if (a.size !== b.size) return false
  for (const member of a) if (!b.has(member)) return false
  return true
}
