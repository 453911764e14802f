/**
 * Shares partitions among processes through a consumer group (classic protocol, cooperative-sticky): for liveness only.
 * Nothing is consumed or committed; the client joins, heartbeats and rejoins.
 *
 * Who loses partitions must have given them up before the group goes on: the client asks for its subscription's user data
 * right before every join, and that answer is where `onRevoked` is awaited.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import { bounds } from '../bounds.js'
import { RoomlogError } from '../failure.js'
import type { KafkaOptions } from '../open.js'
import type { Claim, ClaimHandlers } from '../port.js'
import { clientOptions } from './client.js'

const sessionMs = 8_000
const heartbeatMs = 1_000

export interface Claimed {
  url: string
  options: KafkaOptions
  group: string
  /** Kafka's name of the topic whose partition numbers are shared. */
  topic: string
  onFailure(error: Error): void
  onClosed(claim: Claim): void
}

export async function claimPartitions(claimed: Claimed, handlers: ClaimHandlers): Promise<Claim> {
  const claim = new KafkaClaim(claimed, handlers)
  await claim.join()
  return claim
}

class KafkaClaim implements Claim {
  private readonly client: Consumer
  private readonly held = new Set<number>()
  private released?: Promise<void>
  private rejoining = false

  constructor(
    private readonly claimed: Claimed,
    private readonly handlers: ClaimHandlers,
  ) {
    const sessionTimeout = claimed.options.sessionTimeoutMs ?? sessionMs
    this.client = new Consumer({
      ...clientOptions(claimed.url, claimed.options, 'claim'),
      groupId: claimed.group,
      retries: 3,
      sessionTimeout,
      rebalanceTimeout: Math.max(sessionTimeout, bounds.revokeMsMax),
      heartbeatInterval: heartbeatMs,
      protocols: [{ name: 'cooperative-sticky', version: 3 }],
      protocolsMetadata: async () => {
        await this.giveUpLost()
        return Buffer.alloc(0)
      },
    } as never)
    this.client.topics.track(claimed.topic)
    this.client.on('consumer:group:join', () => void this.takeGranted())
    this.client.on('consumer:heartbeat:error', ({ error }: { error: Error }) => claimed.onFailure(error))
    this.client.on('error', (error: Error) => void this.rejoin(error))
  }

  /** A broker that has just started does not know its groups yet: that passes, and a process must not end for it. */
  async join(): Promise<void> {
    const deadline = Date.now() + bounds.joinMsMax
    for (let retryMs: number = bounds.retryMsMin * 10; ; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
      try {
        return void (await this.client.joinGroup({}))
      } catch (error) {
        if (Date.now() + retryMs > deadline) throw error
        this.claimed.onFailure(error as Error)
        await delay(retryMs)
      }
    }
  }

  release(): Promise<void> {
    this.released ??= (async () => {
      this.claimed.onClosed(this)
      await this.revoke([...this.held])
      await Promise.resolve(this.client.leaveGroup(true)).catch(() => {})
      await this.client.close(true).catch(() => {})
    })()
    return this.released
  }

  private assigned(): Set<number> {
    return new Set(this.client.assignments?.find(({ topic }) => topic === this.claimed.topic)?.partitions ?? [])
  }

  /** Runs before each join: what the last answer took away is given up before the group can grant it anew. */
  private async giveUpLost(): Promise<void> {
    const assigned = this.assigned()
    await this.revoke([...this.held].filter((partition) => !assigned.has(partition)))
  }

  private async takeGranted(): Promise<void> {
    await this.giveUpLost()
    if (this.released) return
    const granted = [...this.assigned()].filter((partition) => !this.held.has(partition)).sort((a, b) => a - b)
    for (const partition of granted) this.held.add(partition)
    if (granted.length > 0) this.handlers.onGranted(granted)
  }

  private async revoke(partitions: number[]): Promise<void> {
    if (partitions.length === 0) return
    for (const partition of partitions) this.held.delete(partition)
    const bound = new AbortController()
    await Promise.race([
      this.handlers.onRevoked(partitions).catch((error) => this.claimed.onFailure(error as Error)),
      delay(bounds.revokeMsMax, undefined, { signal: bound.signal }).catch(() => {}),
    ])
    bound.abort()
  }

  /** The client gives up after a few failed joins: then the membership is begun anew, for as long as nobody releases it. */
  private async rejoin(error: Error): Promise<void> {
    if (this.released || this.rejoining) return
    this.rejoining = true
    this.claimed.onFailure(error)
    for (let retryMs: number = bounds.retryMsMin * 10; !this.released; retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
      await delay(retryMs)
      if (this.released) break
      const joined = await this.client.joinGroup({}).then(
        () => true,
        (failure) => {
          this.claimed.onFailure(failure as Error)
          return false
        },
      )
      if (joined) break
    }
    this.rejoining = false
  }
}

/** @throws RoomlogError `invalid` where topics of one claim differ in their number of partitions. */
export function coPartitioned(topics: { name: string; partitions: unknown[] }[]): void {
  if (new Set(topics.map(({ partitions }) => partitions.length)).size === 1) return
  throw new RoomlogError(
    'invalid',
    `topics of one claim must have the same number of partitions: ${topics.map(({ name }) => name).join(', ')}`,
  )
}
