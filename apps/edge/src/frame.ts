/**
 * Event frames without parsing: prefix + the record's bytes + suffix, built once per event and shared by all
 * subscribers whose `after` is equal. A frame holds its bytes with the WebSocket header in front (RFC 6455, 5.2: server
 * frames are not masked), so a socket needs no framing of its own; other transports take the payload.
 */
import { deflated } from './compression.js'
import type { RoomRecord } from './record.js'

export class Frame {
  private small: Buffer | undefined

  private constructor(
    /** WebSocket header and payload, contiguous. Never changed after construction. */
    readonly framed: Buffer,
    private readonly headerLength: number,
  ) {}

  get payload(): Buffer {
    return this.framed.subarray(this.headerLength)
  }

  /** The same for those who negotiated compression; made when it is first asked for, and shared. */
  get compressed(): Buffer {
    if (this.small) return this.small
    const payload = deflated(this.payload)
    if (!payload) return (this.small = this.framed)
    const { framed, at } = allocate(payload.length)
    framed[0] = textCompressed
    payload.copy(framed, at)
    return (this.small = framed)
  }

  static text(text: string): Frame {
    const { framed, at } = allocate(Buffer.byteLength(text))
    framed.write(text, at)
    return new Frame(framed, at)
  }

  static event(record: RoomRecord, after: number, extra = ''): Frame {
    const suffix = `,"after":${after},"position":"${record.position}"${extra}}`
    const { framed, at } = allocate(prefix.length + record.value.length + suffix.length)
    prefix.copy(framed, at)
    record.value.copy(framed, at + prefix.length)
    framed.write(suffix, at + prefix.length + record.value.length, 'latin1')
    return new Frame(framed, at)
  }
}

/** The frame of an event for everybody whose `after` is the event before; built at most once while the record is handed on. */
export function sharedFrame(record: RoomRecord): Frame {
  record.shared ??= Frame.event(record, record.seq - 1)
  return record.shared
}

const prefix = Buffer.from('{"event":')
const textFinal = 0x81
/** RSV1: the payload is compressed. */
const textCompressed = 0xc1

/** From the pool: a frame lives until it is written, and those of one tick are written together. */
function allocate(length: number): { framed: Buffer; at: number } {
  const at = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const framed = Buffer.allocUnsafe(at + length)
  framed[0] = textFinal
  if (at === 2) framed[1] = length
  else if (at === 4) {
    framed[1] = 126
    framed.writeUInt16BE(length, 2)
  } else {
    framed[1] = 127
    framed.writeUIntBE(0, 2, 2)
    framed.writeUIntBE(length, 4, 6)
  }
  return { framed, at }
}
