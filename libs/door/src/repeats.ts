import type { Input } from '@roomlog/protocol/operations'
import type { Principal } from './principal.js'

/** Actions remembered; beyond it the oldest is charged again. */
const actionsMax = 20_000
/** So many repeats of one action are free: enough for a client that lost answers, too few to be a way around the limit. */
const freeMax = 3

/** Which commands are repeats of an action that was charged already: who has to repeat after `unknown` must not pay twice. */
export class Repeats {
  private readonly counts = new Map<string, number>()

  /** Remembers the action; true = it is a repeat, and free. */
  isFree({ user, device }: Principal, { room, actionId }: Input): boolean {
    if (typeof actionId !== 'number') return false
    const key = `${user}\n${device}\n${String(room).slice(0, 255)}\n${actionId}`
    const count = this.counts.get(key)
    this.counts.set(key, (count ?? 0) + 1)
    if (this.counts.size > actionsMax) this.counts.delete(this.counts.keys().next().value as string)
    return count !== undefined && count <= freeMax
  }
}
