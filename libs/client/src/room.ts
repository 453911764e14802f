import type { Accepted } from '@roomlog/protocol'
import type { Action, ActionWish } from './action.js'
import type { Client } from './client.js'
import type { SubscribeOptions, SubscriptionHandlers } from './delivery.js'
import type { HistoryQuery } from './http.js'
import type { RoomPlace } from './place.js'
import type { Stream } from './stream.js'

/** One room as a client sees it. Costs nothing until it is used. */
export class Room {
  constructor(
    private readonly client: Client,
    readonly id: string,
  ) {}

  /** At most one subscription of a room at a time. */
  subscribe(options: SubscribeOptions = {}, handlers: SubscriptionHandlers = {}): Stream<RoomPlace> {
    return this.client.subscribe(this.id, options, handlers)
  }

  /** Any command; shown at once, decided later. */
  do(wish: ActionWish): Action {
    return this.client.act(this.id, wish)
  }

  publish(type: string, content: unknown, more: Omit<ActionWish, 'type' | 'content'> = {}): Action {
    return this.do({ ...more, type, content })
  }

  setState(type: string, key: string, content: unknown, more: Omit<ActionWish, 'type' | 'content' | 'key'> = {}): Action {
    return this.do({ ...more, type, key, content })
  }

  join = (): Promise<Accepted> => this.#member('join')
  leave = (reason?: string): Promise<Accepted> => this.#member('leave', undefined, reason)
  invite = (user: string, reason?: string): Promise<Accepted> => this.#member('invite', user, reason)
  kick = (user: string, reason?: string): Promise<Accepted> => this.#member('kick', user, reason)
  ban = (user: string, reason?: string): Promise<Accepted> => this.#member('ban', user, reason)
  unban = (user: string, reason?: string): Promise<Accepted> => this.#member('unban', user, reason)

  /** To whoever is there; never stored, dropped for a slow client and while not connected. */
  signal(type: string, content: unknown = {}, to?: string): void {
    this.client.signal({ room: this.id, type, content, ...(to === undefined ? {} : { to }) })
  }

  /** Shown to whoever is there, and ends by itself; 0 = no longer. */
  typing = (timeoutMs?: number) => this.client.typing(this.id, timeoutMs)
  presence = () => this.client.http.presence(this.id)

  history = (query: HistoryQuery = {}) => this.client.http.history(this.id, query)
  members = () => this.client.http.members(this.id)
  state = () => this.client.http.state(this.id)
  summary = () => this.client.http.room(this.id)

  #member(change: string, user?: string, reason?: string): Promise<Accepted> {
    const content = reason === undefined ? {} : { reason }
    return this.do({ type: `member.${change}`, content, ...(user === undefined ? {} : { user }) }).done
  }
}
