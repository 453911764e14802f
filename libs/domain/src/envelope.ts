/** The form of a command: what is checked before any rule, in every kind of room. */
import type { Command } from './command.js'
import type { DomainLimits } from './limits.js'
import { type Refusal, refuse } from './refusal.js'

/** The refusal of a malformed command. */
export function checkEnvelope(command: Command, limits: DomainLimits): Refusal | undefined {
  return checkNames(command, limits) ?? checkContent(command, limits) ?? checkNumbers(command) ?? checkLists(command, limits)
}

/**
 * The refusal of a text that is no name (type, key, any ID): empty, too long, not in Unicode NFC, with control characters
 * or lone surrogates. One form for each name, so that equality is equality of bytes.
 */
export function checkName(text: unknown, field: string, limits: DomainLimits): Refusal | undefined {
  if (typeof text !== 'string' || text === '') return refuse('invalid', `${field} must be a text that is not empty`, { field })
  if (exceeds(text, limits.nameBytesMax)) {
    return refuse('too_large', `${field} is longer than ${limits.nameBytesMax} bytes`, { field })
  }
  if (plain.test(text)) return undefined
  if (control.test(text) || !text.isWellFormed())
    return refuse('invalid', `${field} holds a control character or half a character`, { field })
  return text.normalize('NFC') === text ? undefined : refuse('invalid', `${field} is not in Unicode NFC`, { field })
}

/** Whether a text has more bytes than this as UTF-8. Counts only where the number of its units does not tell. */
export function exceeds(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return true
  if (text.length * 3 <= bytesMax) return false
  let bytes = 0
  for (let i = 0; i < text.length && bytes <= bytesMax; i++) {
    const unit = text.charCodeAt(i)
    // Each half of a pair counts for two of its four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
  }
  return bytes > bytesMax
}

const plain = /^[ -~]+$/
const control = /\p{Cc}/u
const names = ['type', 'room', 'device', 'user', 'ref', 'follows', 'thread', 'onBehalfOf', 'idempotencyKey'] as const

function checkNames(command: Command, limits: DomainLimits): Refusal | undefined {
  for (const name of names) {
    const value = command[name]
    if (value === undefined || (name === 'device' && value === '')) continue
    const refused = checkName(value, name, limits)
    if (refused) return refused
  }
  if (command.key !== undefined && command.key !== '') {
    const refused = checkName(command.key, 'key', limits)
    if (refused) return refused
  }
  return checkName(command.sender.id, 'sender', limits)
}

function checkContent({ content }: Command, { contentBytesMax }: DomainLimits): Refusal | undefined {
  if (typeof content !== 'string' || content === '') return refuse('invalid', 'content is missing', { field: 'content' })
  if (!exceeds(content, contentBytesMax)) return undefined
  return refuse('too_large', `content is larger than ${contentBytesMax} bytes`, { field: 'content' })
}

function checkNumbers({ actionId, prevActionId, ifSeq }: Command): Refusal | undefined {
  for (const [field, value] of [
    ['actionId', actionId],
    ['prevActionId', prevActionId],
    ['ifSeq', ifSeq],
  ] as const) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      return refuse('invalid', `${field} must be an integer, 0 or more`, { field })
  }
  if (prevActionId === undefined) return undefined
  if (actionId !== undefined && prevActionId < actionId) return undefined
  return refuse('invalid', 'prevActionId must be below actionId', { field: 'prevActionId' })
}

function checkLists({ mentions, channels, readers }: Command, limits: DomainLimits): Refusal | undefined {
  return (
    checkList(mentions, 'mentions', limits.mentionsMax, limits) ??
    checkList(channels, 'channels', limits.channelsMax, limits) ??
    checkList(readers, 'readers', limits.readersMax, limits)
  )
}

export function checkList(list: unknown, field: string, countMax: number, limits: DomainLimits): Refusal | undefined {
  if (list === undefined) return undefined
  if (!Array.isArray(list)) return refuse('invalid', `${field} must be an array`, { field })
  if (list.length > countMax) return refuse('too_large', `${field} has more than ${countMax} items`, { field })
  for (const item of list) {
    const refused = checkName(item, field, limits)
    if (refused) return refused
  }
  return undefined
}
