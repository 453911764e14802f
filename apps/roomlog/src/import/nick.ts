import { createHash } from 'node:crypto'
import { identifierFault } from '@roomlog/protocol/operations'

/**
 * The user ID of a nick: the nick itself wherever that is a canonical ID. What is not (control characters, text that is
 * not in NFC) is percent-encoded, and so is `%` itself: `decodeURIComponent` gives the nick back, so two nicks never
 * share an ID. Only a nick whose ID would be too long becomes `~` and its SHA-256.
 */
export function userIdOf(nick: string): string {
  const plain = nick.replaceAll('%', '%25').replace(/^~/, '%7E')
  if (identifierFault(plain) === undefined) return plain
  const encoded = [...new TextEncoder().encode(nick)].map(escapeByte).join('').replace(/^~/, '%7E')
  if (identifierFault(encoded) === undefined) return encoded
  return `~${createHash('sha256').update(nick).digest('base64url')}`
}

function escapeByte(byte: number): string {
  const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x25
  return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
