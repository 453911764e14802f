/**
 * Whether the device of a session is signed out while it is connected. The session's own inbox says so, which this edge follows
 * anyway; what was said before it was followed, the door knows a moment later.
 */
import { isRevoked, revocationOf } from '@roomlog/domain'
import { decodeEvent } from '@roomlog/protocol'
import type { EdgeParts, Principal } from './edge.js'
import type { RoomRecord } from './record.js'
import type { Room } from './room.js'

export class DeviceWatch {
  private over = false
  private room: Room | undefined
  private later: { cancel(): void } | undefined

  constructor(
    private readonly edge: EdgeParts,
    /** That of the newest token. */
    private principal: Principal,
    private readonly onRevoked: () => void,
  ) {
    void this.open().catch((error) => edge.onFailure(error, 'device'))
    this.later = edge.clock.after(doorLagMs, () => {
      if (!this.over && edge.door.isRevoked(this.principal)) this.revoke()
    })
  }

  /** The token was refreshed. */
  renew(principal: Principal): void {
    this.principal = principal
  }

  /** Where the inbox has been read to, for a ticket. */
  get inbox(): { epoch: string; through: number } | undefined {
    return this.room && { epoch: this.room.feed.epoch, through: this.room.feed.next }
  }

  close(): void {
    if (this.over) return
    this.over = true
    this.later?.cancel()
    if (!this.room) return
    this.room.watchers.delete(this.look)
    this.edge.rooms.release(this.room.id)
  }

  private async open(): Promise<void> {
    const id = `@${this.principal.user}`
    const room = await this.edge.rooms.take(id)
    if (this.over) return this.edge.rooms.release(id)
    this.room = room
    room.watchers.add(this.look)
    for (const record of room.feed.ring.of(id)) this.look(record)
  }

  private readonly look = (record: RoomRecord): void => {
    if (this.over || record.type !== 'device.revoked') return
    const revocation = revocationOf(decodeEvent(record.value))
    if (revocation?.device === this.principal.device && isRevoked(revocation.at, this.principal.issuedAt)) this.revoke()
  }

  private revoke(): void {
    this.close()
    this.onRevoked()
  }
}

/** In which the door has heard of what stands in the log. */
const doorLagMs = 3_000
