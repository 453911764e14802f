/**
 * One connection's life, whatever carries it: who it is, what it may, and the operations it asks for.
 *
 * Frames are taken in the order in which they came. Nothing overtakes an `auth` that is being checked; commands are
 * handed to the door in order; reads and subscriptions go on side by side. Whatever is wrong with a frame is answered
 * with an error that has a code; who goes on doing it is shown out with a close code.
 */
import { anonymousPrincipal, hasScope, isPrincipal } from '@roomlog/door'
import { type CloseCode, closeCodes, comeBack, parseEnvelopes, type WireError, wireError } from '@roomlog/protocol'
import { alarmAt } from './alarm.js'
import { Bucket } from './bucket.js'
import { DeviceWatch } from './device-watch.js'
import type { EdgeParts, Principal } from './edge.js'
import { idOf } from './input.js'
import type { Sink } from './ports.js'
import { type Id, Requests } from './requests.js'
import { resume } from './resumption.js'
import { Subscriptions } from './subscriptions.js'

/** What a session needs of its transport. */
export interface Link {
  sink: Sink
  /** For limits of those without a token. */
  address: string
  close(code: CloseCode, reason: string): void
  /** Called once, when the connection may cost more than an unauthenticated one. */
  authenticated?(): void
}

type Envelope = Record<string, unknown>

export class Session {
  private principal: Principal | undefined
  private token: string | undefined
  private readonly subscriptions: Subscriptions
  private readonly requests: Requests
  private readonly messages: Bucket
  private readonly patience: Bucket
  private readonly violations: Bucket
  /** What waits for the running authentication: frames, and the items of an array that stood behind the `auth`. */
  private waiting: (() => void)[] | undefined
  private waitingBytes = 0
  private timer: { cancel(): void } | undefined
  private device: DeviceWatch | undefined
  private over = false

  constructor(
    private readonly edge: EdgeParts,
    private readonly link: Link,
  ) {
    const { limits, clock } = edge
    const now = clock.now()
    this.subscriptions = new Subscriptions(edge, link.sink)
    this.requests = new Requests(edge, this.subscriptions, {
      ok: (id, ok) => this.ok(id, ok),
      body: (id, body) => this.send(`{"id":${JSON.stringify(id ?? null)},"ok":${body}}`),
      error: (id, error) => this.error(id, error),
      ticket: () => this.ticket(),
      limited: (id, retryAfterMs) => this.limited(id, retryAfterMs),
    })
    this.messages = new Bucket(limits.connectionMessagesPerSecond, limits.connectionMessagesBurst, now)
    this.patience = new Bucket(patiencePerSecond, patienceBurst, now)
    this.violations = new Bucket(violationsPerSecond, violationsBurst, now)
    this.timer = clock.after(limits.authenticationMs, () => this.close(4200, 'no token in time'))
  }

  /** A token that came with the connection itself. */
  open(token: string): void {
    this.during(this.authenticate(token, undefined))
  }

  /** One text frame: an object or an array of them. */
  receive(bytes: Buffer): void {
    if (this.over) return
    if (this.waiting) {
      this.waitingBytes += bytes.length
      if (this.waitingBytes > this.edge.limits.authenticationBytes) return this.close(4204, 'too much before authentication')
      this.waiting.push(() => this.receive(bytes))
      return
    }
    const { jsonDepth, jsonKeys, frameItems } = this.edge.limits
    const parsed = parseEnvelopes(bytes, { raw: rawMembers, depthMax: jsonDepth, keysMax: jsonKeys, itemsMax: frameItems })
    if ('invalid' in parsed)
      return this.violate(wireError('invalid', parsed.invalid, parsed.field === undefined ? {} : { field: parsed.field }))
    for (const frame of parsed.ok) {
      if (this.over) return
      this.take(frame)
    }
  }

  /** Frames that are no JSON text at all. */
  violate(error: WireError): void {
    this.error(undefined, error)
    if (this.violations.take(this.edge.clock.now()) > 0) this.close(4203, 'too many frames that make no sense')
  }

  /** The transport is gone. */
  closed(): void {
    if (this.over) return
    this.over = true
    this.timer?.cancel()
    this.subscriptions.closeAll()
    this.device?.close()
    if (this.principal) this.edge.leave(this.principal, this.link.address)
  }

  /** Where the client's sync stands, if that may be said. */
  get position(): string | undefined {
    return this.subscriptions.position()
  }

  /** Tells the client why, then ends the connection. */
  bye(code: CloseCode, more: { reconnectInMs?: number } = {}): void {
    if (this.over) return
    const ticket = comeBack(code) === 'no' ? undefined : this.ticket()
    const { position } = this
    this.link.sink.send(JSON.stringify({ bye: { reason: closeCodes[code].name, ticket, position, ...more } }))
    this.close(code, closeCodes[code].name)
  }

  private take(frame: Envelope): void {
    if (this.waiting) {
      this.waiting.push(() => this.take(frame))
      return
    }
    const id = idOf(frame)
    // Services that publish are held back by flow control instead.
    const isService = this.principal !== undefined && hasScope(this.principal, 'publish')
    const wait = isService ? 0 : this.messages.take(this.edge.clock.now())
    if (wait > 0) return this.limited(id, wait)
    if (frame.op === 'auth') return this.auth(id, frame)
    if (!this.principal) return this.error(id, wireError('unauthenticated', 'authenticate first'))
    this.requests.perform(frame, id, this.principal, this.token)
  }

  private auth(id: Id, frame: Envelope): void {
    const { token } = frame
    if (token !== undefined && typeof token !== 'string')
      return this.error(id, wireError('invalid', 'must be a string', { field: 'token' }))
    this.during(this.authenticate(token, id, frame.ticket))
  }

  private async authenticate(token: string | undefined, id: Id, ticket?: unknown): Promise<void> {
    const found = token === undefined ? anonymousPrincipal() : await this.edge.door.authenticate(token)
    if (this.over) return
    if (!isPrincipal(found)) {
      this.error(id, found)
      if (found.code === 'unavailable') return this.close(4002, 'tokens cannot be checked now')
      return this.principal ? undefined : this.close(4200, 'bad token')
    }
    if (this.edge.door.isRevoked(found)) {
      this.error(id, wireError('unauthenticated', closeCodes[4206].meaning))
      return this.close(4206, closeCodes[4206].name)
    }
    const resumed = ticket === undefined || this.principal || found.anonymous ? undefined : await this.resume(ticket, found)
    if (this.over) return
    if (this.principal) {
      if (found.user !== this.principal.user || found.device !== this.principal.device)
        return this.error(id, wireError('forbidden', 'a refresh keeps the user and the device'))
    } else if (!this.edge.enter(found, this.link.address)) {
      this.error(id, wireError('limited', 'too many connections', { retryAfterMs: 10_000 }))
      return this.close(4202, 'too many connections')
    } else this.link.authenticated?.()
    this.principal = found
    this.token = token
    this.timer?.cancel()
    this.timer = alarmAt(this.edge.clock, found.expiresAt, () => this.bye(4201))
    this.subscriptions.reconsider(found)
    if (!found.anonymous) {
      if (this.device) this.device.renew(found)
      else this.device = new DeviceWatch(this.edge, found, () => this.bye(4206))
    }
    if (!found.anonymous && found.service === undefined) this.subscriptions.followInbox(found)
    if (id !== undefined || !token)
      this.ok(
        id,
        found.anonymous ? { anonymous: true } : { user: found.user, device: found.device, expiresAt: found.expiresAt, ...resumed },
      )
  }

  /** Takes what a ticket proves. One that is of no use is said to be so, and changes nothing. */
  private async resume(ticket: unknown, principal: Principal): Promise<object | undefined> {
    const { edge } = this
    const found = await resume(ticket, principal, edge).catch((error) => {
      edge.onFailure(error, 'ticket')
      return { refused: 'unavailable' as const }
    })
    edge.counts.ticket(found === 'revoked' ? found : 'refused' in found ? found.refused : 'accepted')
    if (found === 'revoked') {
      this.error(undefined, wireError('unauthenticated', closeCodes[4206].meaning))
      this.close(4206, closeCodes[4206].name)
    } else if ('refused' in found) return { ticketRefused: found.refused }
    else this.subscriptions.resume(found)
    return undefined
  }

  /** A ticket of what is proven now; undefined for those without a token, and while the inbox is not read yet. */
  private ticket(): string | undefined {
    const { principal, edge } = this
    const inbox = this.device?.inbox
    if (!principal || principal.anonymous || !inbox) return undefined
    const { user, device } = principal
    edge.counts.ticket('issued')
    return edge.tickets.seal({ user, device, issuedAt: edge.clock.now(), inbox, ...this.subscriptions.proofs() })
  }

  /** Holds back what comes meanwhile. */
  private during(work: Promise<void>): void {
    this.waiting = []
    void work.finally(() => {
      const held = this.waiting ?? []
      this.waiting = undefined
      this.waitingBytes = 0
      for (const take of held) take()
    })
  }

  private limited(id: Id, retryAfterMs: number): void {
    this.edge.counts.limitHit('messages')
    this.error(id, wireError('limited', 'too many messages', { retryAfterMs }))
    if (this.patience.take(this.edge.clock.now()) > 0) this.close(4202, 'too many messages')
  }

  private ok(id: Id, ok: object): void {
    this.send(JSON.stringify({ id, ok }))
  }

  private error(id: Id, error: WireError): void {
    this.edge.counts.refused(error.code)
    this.send(JSON.stringify({ id, error }))
  }

  private send(text: string): void {
    if (!this.over) this.link.sink.send(text)
  }

  private close(code: CloseCode, reason: string): void {
    this.link.close(code, reason)
    this.closed()
  }
}

const rawMembers = ['content']
/** Refused messages before the connection is ended: a burst, and what comes back per second. */
const [patienceBurst, patiencePerSecond] = [200, 5]
const [violationsBurst, violationsPerSecond] = [20, 0.2]
