/**
 * Signals: messages of the application to whoever is there. No `seq`, not stored, dropped for a connection that cannot keep up.
 *
 * The record's value is the client's frame as it goes out: made once by the edge that took it, shared by all who hear it.
 */
import type { LogRecord } from '@roomlog/log'
import { recordVersion, type WireError, wireError } from '@roomlog/protocol'
import type { Attendant, Audience } from './audience.js'
import type { EphemeralLog } from './ephemeral-log.js'
import { Frame } from './frame.js'

export interface SignalInput {
  room: string
  type: string
  /** Raw JSON. */
  content?: string
  /** A user, or `<user>/<device>`; absent = everybody. */
  to?: string
}

export class Signals {
  constructor(
    private readonly log: EphemeralLog,
    private readonly audience: Audience,
    private readonly limits: { eventBytes: number },
  ) {}

  /** Undefined = it is on its way. Whether the sender may speak there is for the caller to know. */
  publish({ user, device }: { user: string; device: string }, { room, type, content = '{}', to }: SignalInput): WireError | undefined {
    if (reserved.has(type)) return wireError('invalid', `type ${type} is the edge's own`, { field: 'type' })
    const [named, kind, sender, from] = [room, type, user, device].map((text) => JSON.stringify(text))
    const value = `{"signal":{"room":${named},"type":${kind},"sender":${sender},"device":${from},"content":${content}}}`
    if (Buffer.byteLength(value) > this.limits.eventBytes) return wireError('too_large', undefined, { field: 'content' })
    const headers = { v: recordVersion, kind: 'signal', sender: user, device, ...(to === undefined ? {} : { to }) }
    void this.log.publish(this.log.partitionOf(room), [{ key: room, value, headers }])
    return undefined
  }

  receive({ key, value, headers }: LogRecord): void {
    if (key === null || value === null || !this.audience.has(key)) return
    const { sender = '', device = '', to } = headers
    const frame = Frame.text(value.toString())
    this.audience.deliver('signal', key, ({ context: { viewer } }) => {
      const own = viewer.user === sender && viewer.device === device
      return own || (to !== undefined && !isMeant(to, viewer)) ? undefined : frame
    })
  }
}

type Viewer = Pick<Attendant['context']['viewer'], 'user' | 'device'>

function isMeant(to: string, { user, device }: Viewer): boolean {
  return to === user || to === `${user}/${device}`
}

/** Types that only edges give. */
const reserved = new Set(['typing', 'presence'])
