/**
 * permessage-deflate (RFC 7692), for clients that ask for it where the configuration allows it.
 *
 * Without context take-over a compressed frame depends on no frame before it: it is made once per event and shared by all who
 * negotiated compression, and no connection keeps a window. What comes in is inflated in pieces and given up at the bound.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { constants, deflateRawSync } from 'node:zlib'
import type { PerMessageDeflateOptions, WebSocket } from 'ws'

export const deflateOptions: PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 15,
  concurrencyLimit: 4,
  zlibInflateOptions: { chunkSize: 4_096 },
}

/** A client that wants a smaller window than shared frames have is served without compression; the library would refuse it. */
export function declineSmallWindows(headers: IncomingHttpHeaders): void {
  if (headers['sec-websocket-extensions']?.includes('server_max_window_bits')) delete headers['sec-websocket-extensions']
}

export function isCompressed(ws: WebSocket): boolean {
  return ws.extensions.includes(extensionName)
}

/** The most that one message of this connection may inflate to; looked at while it is inflated. */
export function boundInflated(ws: WebSocket, bytesMax: number): void {
  // The library has one bound for all connections; before authentication ours is lower.
  const { _extensions } = ws as unknown as { _extensions: Record<string, { _maxPayload: number } | undefined> }
  const extension = _extensions[extensionName]
  if (extension) extension._maxPayload = bytesMax
}

/** A compressed payload; undefined where it would not pay. */
export function deflated(payload: Buffer): Buffer | undefined {
  if (payload.length < bytesMin) return undefined
  const whole = deflateRawSync(payload, { level: 3, finishFlush: constants.Z_SYNC_FLUSH })
  // RFC 7692, 7.2.1: the empty block at the end is not sent.
  const bytes = whole.subarray(0, whole.length - 4)
  return bytes.length < payload.length ? bytes : undefined
}

const extensionName = 'permessage-deflate'
/** Below it the header of the block eats what is won. */
const bytesMin = 128
