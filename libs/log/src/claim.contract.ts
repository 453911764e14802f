import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Claim, Log } from './port.js'
import { partitions, type Stage } from './stage.contract.js'

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 40_000, interval: 10 })
const everything = Array.from({ length: partitions }, (_, index) => index)
const ascending = (owned: Iterable<number>) => [...owned].sort((a, b) => a - b)

/** A claimant that remembers what it owns, and how often each partition was granted to it. */
async function claimant(log: Log, group: string) {
  const owned = new Set<number>()
  const grants = new Map<number, number>()
  const claim: Claim = await log.claim(group, ['room.commands', 'room.events'], {
    onGranted: (granted) => {
      for (const partition of granted) {
        expect(owned.has(partition)).toBe(false)
        owned.add(partition)
        grants.set(partition, (grants.get(partition) ?? 0) + 1)
      }
    },
    onRevoked: async (revoked) => {
      for (const partition of revoked) expect(owned.delete(partition)).toBe(true)
    },
  })
  onTestFinished(() => claim.release())
  return { claim, owned, grants }
}

export function claimContract(stage: Stage): void {
  const another = async () => {
    const log = await stage.place.open()
    onTestFinished(() => log.close())
    return log
  }

  it('grants everything to the only claimant', async () => {
    const { owned } = await claimant(stage.log, randomUUID())
    await until(() => expect(ascending(owned)).toEqual(everything))
  })

  it('shares evenly, leaves what stays with its owner, and hands over when one goes', { timeout: 120_000 }, async () => {
    const group = randomUUID()
    const first = await claimant(stage.log, group)
    await until(() => expect(first.owned.size).toBe(partitions))
    const second = await claimant(await another(), group)
    await until(() => expect([first.owned.size, second.owned.size]).toEqual([32, 32]))
    expect(ascending([...first.owned, ...second.owned])).toEqual(everything)
    for (const partition of first.owned) expect(first.grants.get(partition)).toBe(1)
    await first.claim.release()
    expect(first.owned.size).toBe(0)
    await until(() => expect(ascending(second.owned)).toEqual(everything))
    for (const partition of everything) expect(second.grants.get(partition)).toBe(1)
  })

  it('waits for onRevoked before somebody else is granted the partition', { timeout: 60_000 }, async () => {
    const group = randomUUID()
    const trace: string[] = []
    const first = await stage.log.claim(group, ['room.commands'], {
      onGranted: () => {},
      onRevoked: async () => {
        trace.push('revoking')
        await new Promise((resolve) => setTimeout(resolve, 200))
        trace.push('revoked')
      },
    })
    onTestFinished(() => first.release())
    const log = await another()
    const second = await log.claim(group, ['room.commands'], { onGranted: () => void trace.push('granted'), onRevoked: async () => {} })
    onTestFinished(() => second.release())
    if (trace.length === 0) await first.release()
    await until(() => expect(trace).toContain('granted'))
    const granted = trace.indexOf('granted')
    expect(trace.slice(0, granted).filter((step) => step === 'revoking')).toHaveLength(
      trace.slice(0, granted).filter((step) => step === 'revoked').length,
    )
  })

  it('keeps groups apart', async () => {
    const [one, two] = [await claimant(stage.log, randomUUID()), await claimant(stage.log, randomUUID())]
    await until(() => expect([one.owned.size, two.owned.size]).toEqual([partitions, partitions]))
  })
}
