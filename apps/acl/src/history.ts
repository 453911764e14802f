import type { RoomEvent } from '@roomlog/domain'
import { internalHeader, signInternal } from '@roomlog/door'
import { decodeEvent } from '@roomlog/protocol'
import type { History } from './references.js'

/** Old events from persistence, where the log was trimmed. */
export class HttpHistory implements History {
  constructor(private readonly of: { url: string; secret: string; now: () => number }) {}

  /** @throws where persistence does not answer, or not in time. */
  async event(id: string, signal: AbortSignal): Promise<RoomEvent | undefined> {
    const path = `/internal/events/${encodeURIComponent(id)}`
    const headers = { [internalHeader]: signInternal(this.of.secret, path, this.of.now()) }
    const response = await fetch(this.of.url + path, { headers, signal })
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`persistence answered ${response.status}`)
    return decodeEvent(await response.text())
  }
}
