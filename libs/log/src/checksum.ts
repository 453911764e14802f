/**
 * The checksum of a record, header `sum`: CRC-32 (zlib's, hex, 8 digits) over
 * `<key>\n<value>` and then `\n<name>=<value>` for every other header in ascending order of its name (UTF-16 units).
 * A missing key or value counts as empty. Kafka's client does not check a batch's CRC on read, LMDB has none: this is
 * the one check that covers a record from its writer to its reader.
 */
import { crc32 } from 'node:zlib'
import type { Headers } from '@roomlog/protocol'

export function checksum(key: string | null, value: Buffer | null, headers: Headers): string {
  let sum = crc32(`${key ?? ''}\n`)
  if (value) sum = crc32(value, sum)
  let text = ''
  for (const name of Object.keys(headers).sort()) if (name !== 'sum') text += `\n${name}=${headers[name]}`
  if (text) sum = crc32(text, sum)
  return sum.toString(16).padStart(8, '0')
}
