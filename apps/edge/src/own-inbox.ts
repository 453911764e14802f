/**
 * A session's subscription to its own inbox, which it makes by itself at the tail. It needs nothing of persistence: the inbox is its
 * user's, and the first event that comes says where it stands.
 */
import { Access } from './access.js'
import type { EdgeParts, Principal } from './edge.js'
import { compileFilter } from './filter.js'
import type { Sink } from './ports.js'
import { Subscription } from './subscription.js'

export class OwnInbox {
  private subscription: Subscription | undefined
  private over = false
  private readonly room: string

  constructor(
    private readonly edge: EdgeParts,
    private readonly sink: Sink,
    private readonly principal: Principal,
  ) {
    this.room = `@${principal.user}`
    void this.open().catch((error) => edge.onFailure(error, 'inbox'))
  }

  close(): void {
    if (this.over) return
    this.over = true
    if (this.subscription?.close()) this.edge.rooms.release(this.room)
  }

  private async open(): Promise<void> {
    const { edge, sink, principal } = this
    const room = await edge.rooms.take(this.room)
    if (this.over) return edge.rooms.release(this.room)
    const { partition, next } = room.feed
    const access = new Access(principal.user, {
      room: this.room,
      partition,
      through: next,
      exists: true,
      deleted: false,
      seq: 0,
      access: 'limited',
      history: [],
      membership: [],
    })
    edge.counts.subscriptionState('live', undefined)
    this.subscription = Subscription.atTail({
      room,
      access,
      viewer: { user: principal.user, device: principal.device, byRight: false },
      wanted: compileFilter(),
      sink,
      replay: edge.replay,
      clock: edge.clock,
      quiet: true,
      onEnd: () => edge.rooms.release(this.room),
      onRenew: () => {
        edge.rooms.release(this.room)
        void this.open().catch((error) => edge.onFailure(error, 'inbox'))
      },
      onState: edge.counts.subscriptionState,
      onReplay: edge.counts.replayed,
      onFailure: (error) => edge.onFailure(error, 'inbox'),
    })
  }
}
