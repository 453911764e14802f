/**
 * Who holds which partitions, inside one process. Balanced and sticky: a partition moves only to even the numbers out,
 * and what moves is given back (awaited, bounded) before it is granted again.
 */
import type { ClaimHandlers } from '../port.js'

interface Claimant {
  handlers: ClaimHandlers
  owned: Set<number>
}

export class Group {
  private readonly claimants: Claimant[] = []
  private partitions = 0
  private turn: Promise<void> = Promise.resolve()

  constructor(private readonly revokeMsMax: number) {}

  join(partitions: number, handlers: ClaimHandlers): Claimant {
    const claimant: Claimant = { handlers, owned: new Set() }
    this.partitions = partitions
    this.claimants.push(claimant)
    this.rebalance()
    return claimant
  }

  /** Gives everything back, and resolves when that is done. */
  async leave(claimant: Claimant): Promise<void> {
    const index = this.claimants.indexOf(claimant)
    if (index >= 0) this.claimants.splice(index, 1)
    await this.enqueue(() => this.revoke(claimant, [...claimant.owned]))
    this.rebalance()
  }

  private rebalance(): void {
    void this.enqueue(async () => {
      const targets = share(this.claimants, this.partitions)
      await Promise.all(
        [...targets].map(([claimant, target]) =>
          this.revoke(
            claimant,
            [...claimant.owned].filter((partition) => !target.has(partition)),
          ),
        ),
      )
      for (const [claimant, target] of targets) {
        if (!this.claimants.includes(claimant)) continue
        const granted = [...target].filter((partition) => !claimant.owned.has(partition)).sort((a, b) => a - b)
        for (const partition of granted) claimant.owned.add(partition)
        if (granted.length > 0) claimant.handlers.onGranted(granted)
      }
    })
  }

  private async revoke(claimant: Claimant, partitions: number[]): Promise<void> {
    if (partitions.length === 0) return
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.revokeMsMax)))
    await Promise.race([claimant.handlers.onRevoked(partitions).catch(() => {}), bound])
    clearTimeout(timer)
    for (const partition of partitions) claimant.owned.delete(partition)
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(step, step)
    return this.turn
  }
}

/** The partitions that each claimant should have: as many of its own as an even share allows, then the free ones. */
export function share<C extends { owned: ReadonlySet<number> }>(claimants: readonly C[], partitions: number): Map<C, Set<number>> {
  const targets = new Map<C, Set<number>>(claimants.map((claimant) => [claimant, new Set<number>()]))
  if (claimants.length === 0) return targets
  const least = Math.floor(partitions / claimants.length)
  let larger = partitions % claimants.length
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition))
  const byOwned = [...claimants].sort((a, b) => b.owned.size - a.owned.size)
  const quota = new Map(byOwned.map((claimant) => [claimant, least + (larger-- > 0 ? 1 : 0)]))
  for (const claimant of byOwned) {
    for (const partition of claimant.owned) {
      if (targets.get(claimant)!.size < quota.get(claimant)! && free.delete(partition)) targets.get(claimant)!.add(partition)
    }
  }
  for (const claimant of byOwned) {
    for (const partition of free) {
      if (targets.get(claimant)!.size >= quota.get(claimant)!) break
      free.delete(partition)
      targets.get(claimant)!.add(partition)
    }
  }
  return targets
}
