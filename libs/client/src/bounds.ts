/**
 * Every queue of the SDK has a bound with a name; what happens at the bound stands beside it.
 * `connect({ bounds: { … } })` overrides single ones.
 */
export interface Bounds {
  /** Actions that wait for their outcome, over all rooms; beyond it `publish` fails with `limited`, unsent and unnumbered. */
  actionsOutstandingMax: number
  /** Actions of one room on the wire; the rest wait here. Not above 64, what an authority parks per device. */
  actionsInFlightMax: number
  /** How often an action whose outcome is retriable is sent again before it fails. */
  actionAttemptsMax: number
  /** Reads and calls that wait for an answer; beyond it they fail with `limited`. */
  requestsMax: number
  /** Events that wait for an async iterator; beyond it the SDK unsubscribes, and goes on from there when half are taken. */
  eventsQueuedMax: number
  /** Items in one outgoing frame: the server's limit. */
  frameItemsMax: number
  /** Characters in one outgoing frame of several items. */
  frameCharactersMax: number
  /** Characters that wait in the socket; beyond it further frames wait for it to drain. */
  sendBufferMax: number
  /** Resubscriptions of one room after gaps in a row, without an event in between, before the subscription ends with `gap`. */
  gapsMax: number
}

export const defaultBounds: Readonly<Bounds> = {
  actionsOutstandingMax: 1_000,
  actionsInFlightMax: 32,
  actionAttemptsMax: 10,
  requestsMax: 1_000,
  eventsQueuedMax: 1_000,
  frameItemsMax: 100,
  frameCharactersMax: 256 * 1024,
  sendBufferMax: 1024 * 1024,
  gapsMax: 3,
}

/** Times of the SDK, in milliseconds. */
export interface Times {
  /** Upper bound of the first retry delay, doubled with each attempt. */
  backOffMin: number
  backOffMax: number
  /** A connection that held this long makes the next retry a first one. */
  stableAfter: number
  /** From opening the socket to the answer to `auth`. */
  connectWithin: number
  /** A connection that was silent for so long is pinged. */
  pingAfter: number
  /** A ping that is not answered for so long ends the connection. */
  pongWithin: number
  /** The same after a sleep, when the connection is probably dead. */
  pongAfterWakeWithin: number
  /** How often the wall clock is looked at. */
  tickEvery: number
  /** A tick that comes so much too late means that the machine slept. */
  sleptAfter: number
  /** An answer that does not come: a read fails, an action is sent again. */
  answerWithin: number
  /** A token is renewed so long before its end. */
  renewBefore: number
  /** From connecting to the request for a resume ticket, and between two of them. */
  ticketAfter: number
  ticketEvery: number
}

export const defaultTimes: Readonly<Times> = {
  backOffMin: 250,
  backOffMax: 30_000,
  stableAfter: 10_000,
  connectWithin: 15_000,
  pingAfter: 25_000,
  pongWithin: 10_000,
  pongAfterWakeWithin: 3_000,
  tickEvery: 5_000,
  sleptAfter: 10_000,
  answerWithin: 20_000,
  renewBefore: 60_000,
  ticketAfter: 10_000,
  ticketEvery: 300_000,
}
