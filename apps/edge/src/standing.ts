/**
 * May this user speak in this room, judged by the room's membership as this edge folds it. What was asked once is followed for
 * a short while, so that a client that types or signals costs one statement of persistence and not one each time.
 */
import { type WireError, wireError } from '@roomlog/protocol'
import type { Access } from './access.js'
import type { EdgeParts, Principal } from './edge.js'
import { readsByRight, speaksByRight } from './rights.js'
import type { Room } from './room.js'

interface Held {
  room: Room
  access: Access
  epoch: string
  uses: number
  linger?: { cancel(): void }
}

export class Standings {
  private readonly held = new Map<string, Promise<Held>>()

  constructor(private readonly edge: EdgeParts) {}

  /** Why they may not speak there; undefined = they may. Readers of the room are told that they are no members, others nothing. */
  async refusal(principal: Principal, room: string): Promise<WireError | undefined> {
    return this.judge(principal, room, (access) => {
      if (access.banned) return wireError('banned')
      if (access.joined || (access.exists && !access.deleted && speaksByRight(principal, room))) return undefined
      return mayRead(access, principal, room) ? wireError('not_member') : wireError('not_found')
    })
  }

  /** Why they may not know who is there; undefined = they may. */
  async blindness(principal: Principal, room: string): Promise<WireError | undefined> {
    return this.judge(principal, room, (access) => (mayRead(access, principal, room) ? undefined : wireError('not_found')))
  }

  private async judge(
    principal: Principal,
    id: string,
    judgement: (access: Access) => WireError | undefined,
  ): Promise<WireError | undefined> {
    if (id.startsWith('@') || id.startsWith('#')) return wireError('not_found')
    const key = `${principal.user}\0${id}`
    try {
      const held = await this.hold(key, id, principal.user)
      try {
        await held.room.feed.caughtUp()
        return judgement(held.access)
      } finally {
        this.release(key, held)
      }
    } catch (error) {
      this.edge.onFailure(error, 'standing')
      return wireError('unavailable', 'the room cannot be read now')
    }
  }

  private async hold(key: string, id: string, user: string): Promise<Held> {
    let opening = this.held.get(key)
    if (!opening) {
      opening = this.open(id, user)
      this.held.set(key, opening)
      opening.catch(() => this.held.delete(key))
    }
    const held = await opening
    // The log is another one: what was folded of the old one says nothing.
    if (held.epoch !== held.room.feed.epoch && this.held.get(key) === opening) {
      this.held.delete(key)
      return this.hold(key, id, user)
    }
    held.uses++
    held.linger?.cancel()
    return held
  }

  private async open(id: string, user: string): Promise<Held> {
    const { rooms } = this.edge
    const room = await rooms.take(id)
    try {
      return { room, access: await room.accessOf(user), epoch: room.feed.epoch, uses: 0 }
    } catch (error) {
      rooms.release(id)
      throw error
    }
  }

  private release(key: string, held: Held): void {
    if (--held.uses > 0) return
    held.linger = this.edge.clock.after(lingerMs, () => {
      if (held.epoch === held.room.feed.epoch) this.held.delete(key)
      held.room.releaseAccess(held.access)
      this.edge.rooms.release(held.room.id)
    })
  }
}

function mayRead(access: Access, principal: Principal, room: string): boolean {
  return access.open || (access.exists && !access.banned && !access.deleted && readsByRight(principal, room))
}

const lingerMs = 10_000
