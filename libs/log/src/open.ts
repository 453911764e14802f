/**
 * Opens the log that a URL names: `memory:[name]`, `file:<dir>` or `kafka://host:port[,host:port]`.
 * Handles of one `memory:` or `file:` URL share one log inside the process, which is closed with the last of them.
 */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { bounds } from './bounds.js'
import { RoomlogError } from './failure.js'
import { LocalCore } from './local/core.js'
import { LocalLog } from './local/log.js'
import type { Store } from './local/store.js'
import { MemoryStore } from './memory/store.js'
import type { Log } from './port.js'

export interface OpenOptions {
  /** P, of topics that are created and of claims. */
  partitions: number
  /** Put before every topic name; lets test suites and deployments share a cluster. Kafka only. */
  topicPrefix?: string
  kafka?: KafkaOptions
  /** Failures that belong to no single call: a lost connection, a group that must be joined anew. */
  onFailure?(error: Error): void
  /** Milliseconds since 1970, for append times. `memory:` and `file:` only. */
  now?: () => number
  /** Makes topic IDs; a simulation gives its own. `memory:` only. */
  newId?: () => string
}

export interface KafkaOptions {
  tls?: boolean | Record<string, unknown>
  sasl?: { mechanism: string; username: string; password: string }
  clientId?: string
  /** Of claims; between 6,000 and 10,000. */
  sessionTimeoutMs?: number
  requestTimeoutMs?: number
}

const shared = new Map<string, { core: Promise<LocalCore>; handles: number }>()

/** @throws RoomlogError `invalid` for a URL that names no log, `unavailable` where it cannot be opened now. */
export async function openLog(url: string, options: OpenOptions): Promise<Log> {
  if (url.startsWith('memory:'))
    return shareLocal(url, options, async () => new MemoryStore(options.now ?? Date.now, options.newId ?? randomUUID))
  if (url.startsWith('file:')) {
    const { FileStore } = await import('./file/store.js')
    const directory = resolve(url.slice('file:'.length).replace(/^\/\/(?=\/)/, ''))
    return shareLocal(`file:${directory}`, options, () =>
      FileStore.open(directory, options.now ?? Date.now, options.onFailure ?? (() => {})),
    )
  }
  if (url.startsWith('kafka:')) {
    const { KafkaLog } = await import('./kafka/log.js')
    return new KafkaLog(url, options).open()
  }
  throw new RoomlogError('invalid', `a log's URL begins with memory:, file: or kafka:, not ${JSON.stringify(url.split(':', 1)[0])}`)
}

async function shareLocal(url: string, options: OpenOptions, open: () => Promise<Store>): Promise<Log> {
  let entry = shared.get(url)
  if (!entry) {
    const core = open().then((store) => new LocalCore(url, options.partitions, store, bounds.revokeMsMax))
    shared.set(url, (entry = { core, handles: 0 }))
  }
  entry.handles++
  const release = async () => {
    if (--entry.handles > 0) return
    if (shared.get(url) === entry) shared.delete(url)
    await (await entry.core).store.close()
  }
  try {
    const core = await entry.core
    if (core.partitions !== options.partitions)
      throw new RoomlogError('invalid', `${url} is open with ${core.partitions} partitions, not ${options.partitions}`)
    return new LocalLog(core, release)
  } catch (error) {
    if (--entry.handles === 0 && shared.get(url) === entry) shared.delete(url)
    throw error
  }
}
