/**
 * Identifiers have one canonical form (Unicode NFC, no control characters, at most 255 bytes); equality is bytes.
 */
export const identifierBytesMax = 255

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/
const printableAscii = /^[\x20-\x7e]*$/

/** Why a text is not a canonical identifier; undefined = it is one. */
export function identifierFault(text: string, options: { empty?: boolean } = {}): string | undefined {
  if (text === '') return options.empty ? undefined : 'must not be empty'
  if (printableAscii.test(text)) return text.length > identifierBytesMax ? tooLong : undefined
  if (!text.isWellFormed()) return 'a lone surrogate is not text'
  if (control.test(text)) return 'must not have control characters'
  if (Buffer.byteLength(text) > identifierBytesMax) return tooLong
  return text.normalize('NFC') === text ? undefined : 'must be in Unicode normal form NFC'
}

const tooLong = `must be at most ${identifierBytesMax} bytes`

/** IDs that only the deployment gives: inboxes, aliases, system areas. */
export function isReservedRoom(room: string): boolean {
  return room.startsWith('@') || room.startsWith('#') || room.startsWith('system.')
}
