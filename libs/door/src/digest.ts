/** What makes a repeat the same action, and a repeated creation the same room. */
import { createHmac, hash, randomBytes } from 'node:crypto'
import type { CommandDraft } from '@roomlog/protocol/operations'

/** Digest of (type, content, envelope). The numbers of the action and who sends it are its scope, and not part of it. */
export function digestOf(draft: Omit<CommandDraft, 'room'>): string {
  const { type, content, user, key, ifSeq, ref, follows, thread, mentions, onBehalfOf, channels, readers } = draft
  const envelope = JSON.stringify([type, user, key, ifSeq, ref, follows, thread, mentions, onBehalfOf, channels, readers])
  return hash('sha256', `${envelope}\n${content}`, 'base64url').slice(0, digestLength)
}

/** 132 bits. */
const digestLength = 22

/** The ID of a room that is created with an action ID: a repeat, also through another door, meets the same room. */
export function derivedRoom(secret: string, user: string, device: string, actionId: number): string {
  return createHmac('sha256', secret)
    .update(`roomlog room v1\n${user}\n${device}\n${actionId}`)
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}

/** 22 characters of `[A-Za-z0-9_-]`. */
export function mintedRoom(): string {
  return randomBytes(16).toString('base64url')
}
