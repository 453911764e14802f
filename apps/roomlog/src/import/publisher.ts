/**
 * Publishes steps in order, many in flight, each exactly once.
 *
 * The window slides by its oldest step: what is sent is never further ahead of what is acknowledged than its size, which is
 * well below the 10,000 keys that a room's authority remembers. A step whose outcome is unclear is sent again under the same
 * key; while anything is unclear nothing new is sent, so that the order of a room holds.
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Accepted, ActionWish, ClientError } from '@roomlog/client'
import type { Step } from './plan.js'

export interface PublisherOptions {
  command(room: string, wish: ActionWish): Promise<Accepted>
  /** Steps between the oldest that is not acknowledged and the newest that is sent. */
  windowMax: number
  /** Milliseconds for which steps may fail in a row before the import gives up. */
  giveUpMs: number
  /** Told in order of acknowledgement, with the `seq` of the step's event. */
  onDone?(step: Step, seq: number): void
  onTrouble?(error: ClientError): void
}

interface Entry {
  step: Step
  state: 'waiting' | 'sent' | 'failed' | 'done'
  /** Of its event, once it is done. */
  seq?: number
}

/** A step that was refused for good. */
export class StepRefused extends Error {
  constructor(step: Step, cause: ClientError) {
    super(`${step.file}:${step.line} was refused (${cause.code}): ${cause.message}`, { cause })
  }
}

export class Publisher {
  /** In order; the first is not done. */
  readonly #window: Entry[] = []
  readonly #lastSeq = new Map<string, number>()
  /** Index in `#window`: before it everything was sent. */
  #next = 0
  #inFlight = 0
  /** Something failed: nothing new is sent until all of that is acknowledged. */
  #trouble: { since: number } | undefined
  #fatal: Error | undefined
  #wake: () => void = () => {}
  /** Acknowledged steps whose `seq` was not above that of an earlier step of the same room. */
  outOfOrder = 0

  constructor(private readonly options: PublisherOptions) {}

  /** Takes a step when there is place in the window. Steps go out in chunks, so that they share frames. */
  async add(step: Step): Promise<void> {
    this.#window.push({ step, state: 'waiting' })
    if (this.#window.length - this.#next < chunk) return
    await this.#until(() => this.#window.length <= this.options.windowMax - chunk)
  }

  /** Resolves when everything is acknowledged. @throws what made the import stop. */
  drain(): Promise<void> {
    return this.#until(() => this.#window.length === 0)
  }

  async #until(reached: () => boolean): Promise<void> {
    for (;;) {
      if (this.#fatal) throw this.#fatal
      if (this.#trouble && this.#inFlight === 0) await this.#recover()
      if (!this.#trouble) while (this.#next < this.#window.length) this.#send(this.#window[this.#next++]!)
      if (reached()) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #send(entry: Entry): void {
    entry.state = 'sent'
    this.#inFlight++
    const { step } = entry
    this.options.command(step.room, { ...step.command, idempotencyKey: keyOf(step) }).then(
      (accepted) => this.#acknowledged(entry, accepted),
      (error: ClientError) => this.#failed(entry, error),
    )
  }

  #acknowledged(entry: Entry, { seq }: Accepted): void {
    entry.seq = seq
    if (this.#trouble) this.#trouble.since = Date.now()
    this.options.onDone?.(entry.step, seq)
    this.#settled(entry, 'done')
  }

  #failed(entry: Entry, error: ClientError): void {
    this.#trouble ??= { since: Date.now() }
    if (!error.retriable) this.#fatal ??= new StepRefused(entry.step, error)
    if (Date.now() - this.#trouble.since > this.options.giveUpMs) this.#fatal ??= error
    this.options.onTrouble?.(error)
    this.#settled(entry, 'failed')
  }

  #settled(entry: Entry, state: 'done' | 'failed'): void {
    entry.state = state
    this.#inFlight--
    let done = 0
    for (; done < this.#next && this.#window[done]!.state === 'done'; done++) this.#checkOrder(this.#window[done]!)
    this.#window.splice(0, done)
    this.#next -= done
    this.#wake()
  }

  /** A repeat has the `seq` of its first time, so a room's lines ascend in either case. A file's last mark may come late. */
  #checkOrder({ step: { room, part }, seq = 0 }: Entry): void {
    if (part === 'mark') return
    if (seq <= (this.#lastSeq.get(room) ?? 0)) this.outOfOrder++
    else this.#lastSeq.set(room, seq)
  }

  /** Once nothing is on its way: what failed goes out again, in order; if nothing did, the trouble is over. */
  async #recover(): Promise<void> {
    const failed = this.#window.slice(0, this.#next).filter(({ state }) => state === 'failed')
    if (failed.length === 0) {
      this.#trouble = undefined
      return
    }
    await delay(recoverMs)
    for (const entry of failed) this.#send(entry)
  }
}

/** Steps that go out together: a frame's bound. */
const chunk = 100
const recoverMs = 500

/** The same line of the same file in the same room is the same command, whatever it is read from. */
export function keyOf({ file, line, part }: Step): string {
  const key = `irc:${file}:${line}:${part}`
  return Buffer.byteLength(key) <= 200 ? key : `irc:${createHash('sha256').update(key).digest('base64url')}`
}
