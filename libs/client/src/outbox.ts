/**
 * Outstanding actions, exactly once.
 *
 * Invariant: an action keeps its ID until its outcome is known. Whatever is unclear — a lost connection, no answer, a
 * retriable code — is cleared up by sending the same ID again: the authority answers a repeat with the first result.
 * `prevActionId` names the action before it in the room, so the authority keeps the order even if frames overtake each
 * other; so that it never has to park more than it may, only a bounded number of one room is on the wire.
 */
import type { Accepted, ErrorFrame, EventFrame, OkFrame } from '@roomlog/protocol'
import type { Action, ActionIds, ActionWish } from './action.js'
import { fullJitterMs } from './backoff.js'
import type { Bounds, Times } from './bounds.js'
import type { Environment } from './environment.js'
import { ClientError, clientError, closedError } from './failure.js'
import type { Wish } from './requests.js'

export interface OutboxHooks {
  send(frame: Wish & { id: number }): void
  isConnected(): boolean
  nextRequestId(): number
  /** Pending, confirmed or failed. */
  onAction(action: Action): void
}

type Outcome = { result: Accepted } | { error: ClientError }

interface Entry {
  action: { -readonly [Name in keyof Action]: Action[Name] }
  prevActionId?: number
  /** Of the frame that is on the wire. */
  requestId?: number
  attempts: number
  /** Answer deadline, or delay before the next attempt. */
  timer?: unknown
  settle(outcome: Outcome): void
}

interface RoomQueue {
  /** In the order of their IDs. */
  entries: Entry[]
  /** The highest ID whose outcome is known not to be a refusal. */
  lastDecided?: number
}

export class Outbox {
  #rooms = new Map<string, RoomQueue>()
  #onWire = new Map<number, Entry>()
  #outstanding = 0
  /** Why, once it is. */
  #closed: string | undefined

  constructor(
    private readonly ids: ActionIds,
    private readonly environment: Pick<Environment, 'clock' | 'random'>,
    private readonly bounds: Pick<Bounds, 'actionsOutstandingMax' | 'actionsInFlightMax' | 'actionAttemptsMax'>,
    private readonly times: Pick<Times, 'answerWithin' | 'backOffMin' | 'backOffMax'>,
    private readonly hooks: OutboxHooks,
  ) {}

  get outstanding(): number {
    return this.#outstanding
  }

  /** Numbers the action and shows it; above the bound it has failed already, without a number. */
  publish(room: string, wish: ActionWish): Action {
    if (this.#closed !== undefined) return this.#refuse(room, wish, closedError(this.#closed))
    if (this.#outstanding >= this.bounds.actionsOutstandingMax) {
      return this.#refuse(room, wish, clientError('limited', 'too many actions wait for their outcome'))
    }
    const entry = newEntry(this.ids.next(), room, wish)
    const queue = this.#rooms.get(room) ?? { entries: [] }
    this.#rooms.set(room, queue)
    queue.entries.push(entry)
    this.#outstanding++
    this.hooks.onAction(entry.action)
    this.#pump(queue)
    return entry.action
  }

  /** Whether the frame was the answer to an action. */
  take(frame: OkFrame | ErrorFrame): boolean {
    const entry = frame.id === undefined ? undefined : this.#onWire.get(frame.id)
    if (!entry) return false
    if ('ok' in frame) this.#settle(entry, { result: frame.ok as Accepted })
    else this.#refused(entry, new ClientError(frame.error))
    return true
  }

  /** The event of an action may come before its answer: it confirms as well. */
  echoed({ event, actionId, position = '' }: EventFrame): void {
    const entry = this.#rooms.get(event.room)?.entries.find(({ action }) => action.id === actionId)
    if (entry) this.#settle(entry, { result: { event: event.id, room: event.room, seq: event.seq, position } })
  }

  /** Everything that was on the wire goes out again, in order and with the same IDs. */
  connected(): void {
    for (const queue of this.#rooms.values()) this.#pump(queue)
  }

  disconnected(): void {
    for (const entry of this.#onWire.values()) this.#takeOffWire(entry)
  }

  close(reason: string): void {
    this.#closed = reason
    for (const queue of this.#rooms.values()) {
      for (const entry of [...queue.entries])
        this.#settle(entry, { error: closedError(reason, entry.attempts > 0 ? 'unknown' : 'unavailable') })
    }
  }

  #pump(queue: RoomQueue): void {
    if (!this.hooks.isConnected()) return
    for (const entry of queue.entries.slice(0, this.bounds.actionsInFlightMax)) {
      if (entry.requestId === undefined && entry.timer === undefined) this.#send(queue, entry)
    }
  }

  #send(queue: RoomQueue, entry: Entry): void {
    const { action } = entry
    const previous = entry.prevActionId ?? this.#previousOf(queue, entry)
    if (previous !== undefined) entry.prevActionId = previous
    entry.requestId = this.hooks.nextRequestId()
    entry.attempts++
    this.#onWire.set(entry.requestId, entry)
    entry.timer = this.environment.clock.setTimeout(() => this.#unanswered(entry), this.times.answerWithin)
    this.hooks.send({
      id: entry.requestId,
      op: 'do',
      room: action.room,
      ...action.wish,
      content: action.wish.content ?? {},
      actionId: action.id,
      ...(previous === undefined ? {} : { prevActionId: previous }),
    })
  }

  #previousOf(queue: RoomQueue, entry: Entry): number | undefined {
    const before = queue.entries[queue.entries.indexOf(entry) - 1]?.action.id
    return before === undefined ? queue.lastDecided : Math.max(before, queue.lastDecided ?? 0)
  }

  #unanswered(entry: Entry): void {
    this.#refused(entry, clientError('unknown', 'no answer in time'))
  }

  #refused(entry: Entry, error: ClientError): void {
    if (error.lastActionId !== undefined) this.ids.raise(error.lastActionId)
    if (!error.retriable || entry.attempts >= this.bounds.actionAttemptsMax) return this.#settle(entry, { error })
    this.#takeOffWire(entry)
    if (error.code === 'action_gap') delete entry.prevActionId
    const delayMs = error.retryAfterMs ?? fullJitterMs(entry.attempts, this.times, this.environment.random)
    entry.timer = this.environment.clock.setTimeout(() => {
      delete entry.timer
      this.#pump(this.#rooms.get(entry.action.room)!)
    }, delayMs)
  }

  #settle(entry: Entry, outcome: Outcome): void {
    const queue = this.#rooms.get(entry.action.room)!
    this.#takeOffWire(entry)
    queue.entries.splice(queue.entries.indexOf(entry), 1)
    this.#outstanding--
    if ('result' in outcome) queue.lastDecided = Math.max(queue.lastDecided ?? 0, entry.action.id)
    entry.settle(outcome)
    this.hooks.onAction(entry.action)
    this.#pump(queue)
  }

  #takeOffWire(entry: Entry): void {
    this.environment.clock.clearTimeout(entry.timer)
    delete entry.timer
    if (entry.requestId !== undefined) this.#onWire.delete(entry.requestId)
    delete entry.requestId
  }

  #refuse(room: string, wish: ActionWish, error: ClientError): Action {
    const entry = newEntry(0, room, wish)
    entry.settle({ error })
    this.hooks.onAction(entry.action)
    return entry.action
  }
}

function newEntry(id: number, room: string, wish: ActionWish): Entry {
  const { promise, resolve, reject } = Promise.withResolvers<Accepted>()
  promise.catch(() => {})
  const action: Entry['action'] = { id, room, wish, state: 'pending', done: promise }
  const settle = (outcome: Outcome) => {
    if ('result' in outcome) {
      action.state = 'confirmed'
      action.result = outcome.result
      resolve(outcome.result)
    } else {
      action.state = 'failed'
      action.error = outcome.error
      reject(outcome.error)
    }
  }
  return { action, attempts: 0, settle }
}
