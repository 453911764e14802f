/**
 * A subscription's life on the client: opened when connected, opened again after every reconnect and gap from where it
 * stands, handed to handlers or to one async iterator, ended once.
 *
 * The log is the queue: an iterator that is too slow makes the SDK unsubscribe, and subscribe again from the last queued
 * event when half of the queue is taken. Nothing is lost and nothing grows.
 */
import type { EventFrame, LiveFrame } from '@roomlog/protocol'
import { fullJitterMs } from './backoff.js'
import type { Bounds, Times } from './bounds.js'
import type { Delivery, Ending, Reset, SubscriptionHandlers } from './delivery.js'
import type { Environment } from './environment.js'
import { ClientError, clientError } from './failure.js'
import { type Place, SyncPlace } from './place.js'
import { Queue } from './queue.js'
import type { Outcome, Requests, Wish } from './requests.js'

export interface StreamPort {
  requests: Requests
  isConnected(): boolean
  environment: Pick<Environment, 'clock' | 'random'>
  bounds: Pick<Bounds, 'eventsQueuedMax' | 'gapsMax'>
  times: Pick<Times, 'backOffMin' | 'backOffMax'>
  onError(error: unknown): void
  onGap(gap: { room: string; accounted: number; after: number }): void
  /** The stream has ended: send it no more frames. */
  forget(): void
}

export type StreamState = 'opening' | 'replaying' | 'live' | 'paused' | 'ended'

export class Stream<P extends Place = Place> implements AsyncIterable<Delivery> {
  state: StreamState = 'opening'
  /** Resolves when the server has first taken the subscription; rejects if it refuses. */
  readonly ready: Promise<void>
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<Ending>
  #ready = Promise.withResolvers<void>()
  #ended = Promise.withResolvers<Ending>()
  #queue: Queue<Delivery> | undefined
  /** Answers to earlier openings are of no interest. */
  #opening = 0
  #attempts = 0
  #gaps = 0

  constructor(
    readonly place: P,
    private readonly wishes: { open: Wish; close: Wish },
    private readonly handlers: SubscriptionHandlers,
    private readonly port: StreamPort,
  ) {
    this.ready = this.#ready.promise
    this.ready.catch(() => {})
    this.ended = this.#ended.promise
    if (!handlers.event) {
      this.#queue = new Queue({ onTaken: () => this.#taken(), onReturn: () => this.close() })
    }
    this.open()
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    if (!this.#queue) throw new Error('this subscription has an `event` handler')
    return this.#queue
  }

  /** Ends it from our side; idempotent. What an iterator has not taken yet it still gets. */
  close(): void {
    if (this.state === 'ended') return
    this.#tellServer()
    this.end({ reason: 'closed' })
  }

  /** (Re)opens where it stands. Called when connected, and by itself. */
  open(): void {
    if (this.state === 'ended' || this.state === 'paused') return
    this.state = 'opening'
    const opening = ++this.#opening
    if (!this.port.isConnected()) return
    this.port.requests.request({ ...this.wishes.open, ...this.place.start() }, { repeatable: false }, (outcome) => {
      if (opening === this.#opening) this.#opened(outcome)
    })
  }

  disconnected(): void {
    if (this.state === 'ended' || this.state === 'paused') return
    this.state = 'opening'
    this.#opening++
  }

  event(frame: EventFrame): void {
    if (this.state !== 'replaying' && this.state !== 'live') return
    const verdict = this.place.accept(frame)
    if (verdict === 'repeat') return
    if (verdict !== 'new') return this.#gap(verdict)
    this.#gaps = 0
    const delivery: Delivery = { event: frame.event, after: frame.after, live: this.state === 'live' }
    if (frame.position !== undefined) delivery.position = frame.position
    if (frame.actionId !== undefined) delivery.actionId = frame.actionId
    if (frame.channels !== undefined) delivery.channels = frame.channels
    if (!this.#queue) return this.#tell(() => this.handlers.event?.(delivery))
    this.#queue.push(delivery)
    if (this.#queue.size >= this.port.bounds.eventsQueuedMax) this.#pause()
  }

  live(live: LiveFrame['live']): void {
    if (this.state !== 'replaying') return
    this.state = 'live'
    this.place.live(live)
    this.#tell(() => this.handlers.live?.())
  }

  /** With a position the server has gone on at its tail already; without one it has ended the subscription. */
  reset(reset: Reset): void {
    if (this.state === 'ended' || this.state === 'paused') return
    const { position, seq } = reset
    this.place.reset(position === undefined ? undefined : { position, ...(seq === undefined ? {} : { seq }) })
    this.#tell(() => this.handlers.reset?.(reset))
    if (position === undefined) this.#reopen()
  }

  /** A room of a sync is not followed any more. */
  left(ending: Ending): void {
    if (this.place instanceof SyncPlace) this.place.left(ending.room!)
    this.#tell(() => this.handlers.left?.(ending))
  }

  signal(signal: { room: string; type: string }): void {
    this.#tell(() => this.handlers.signal?.(signal))
  }

  end(ending: Ending, error?: ClientError): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.#opening++
    this.port.forget()
    this.#ready.reject(error ?? clientError('unavailable', `the subscription ended: ${ending.reason}`))
    this.#ended.resolve(ending)
    this.#queue?.end(error)
    this.#tell(() => this.handlers.end?.(ending))
  }

  #opened(outcome: Outcome): void {
    if ('ok' in outcome) {
      this.#attempts = 0
      this.state = 'replaying'
      this.place.opened(outcome.ok)
      this.#ready.resolve()
      const { seq, position } = outcome.ok
      return this.#tell(() =>
        this.handlers.ready?.({ ...(seq === undefined ? {} : { seq }), ...(position === undefined ? {} : { position }) }),
      )
    }
    const { error } = outcome
    if (error.code === 'wrong_epoch') {
      this.place.reset()
      this.#tell(() => this.handlers.reset?.({ reason: error.code }))
    } else if (!error.retriable) return this.end({ reason: error.code }, error)
    if (!this.port.isConnected()) return
    const { environment, times } = this.port
    const delayMs = error.retryAfterMs ?? fullJitterMs(this.#attempts++, times, environment.random)
    environment.clock.setTimeout(() => {
      if (this.state === 'opening') this.open()
    }, delayMs)
  }

  #gap(gap: { room: string; accounted: number; after: number }): void {
    this.#tell(() => this.handlers.gap?.(gap))
    this.port.onGap(gap)
    if (++this.#gaps > this.port.bounds.gapsMax) {
      this.#tellServer()
      return this.end(
        { room: gap.room, reason: 'gap' },
        clientError('internal', `events of ${gap.room} after ${gap.accounted} do not come`),
      )
    }
    this.#reopen()
  }

  #pause(): void {
    this.#tellServer()
    this.#opening++
    this.state = 'paused'
  }

  #taken(): void {
    if (this.state !== 'paused' || this.#queue!.size > this.port.bounds.eventsQueuedMax / 2) return
    this.state = 'opening'
    this.open()
  }

  #reopen(): void {
    this.#tellServer()
    this.open()
  }

  #tellServer(): void {
    if (this.port.isConnected()) this.port.requests.request(this.wishes.close, { repeatable: false }, () => {})
  }

  #tell(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.port.onError(error)
    }
  }
}
