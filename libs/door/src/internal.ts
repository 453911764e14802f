/**
 * Reads between services prove themselves with an HMAC of method, path and time under the deployment's secret,
 * in the header `roomlog-internal: <ms>.<mac>`. Good for a minute either way: clocks differ, requests are not kept.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const internalHeader = 'roomlog-internal'
const validMs = 60_000

/** `path` with its query, exactly as it is requested. */
export function signInternal(secret: string, path: string, nowMs: number): string {
  return `${nowMs}.${mac(secret, path, nowMs).toString('base64url')}`
}

export function verifyInternal(secret: string, path: string, header: string | undefined, nowMs: number): boolean {
  const match = header === undefined ? null : /^(\d{1,15})\.([A-Za-z0-9_-]{43})$/.exec(header)
  if (!match || secret === '') return false
  const at = Number(match[1])
  const given = Buffer.from(match[2]!, 'base64url')
  const expected = mac(secret, path, at)
  return given.length === expected.length && timingSafeEqual(given, expected) && Math.abs(nowMs - at) <= validMs
}

function mac(secret: string, path: string, at: number): Buffer {
  return createHmac('sha256', secret).update(`roomlog internal v1\n${at}\nGET\n${path}`).digest()
}
