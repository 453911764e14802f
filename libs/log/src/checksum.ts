/**
 * The checksum of a record, header `sum`: CRC-32 (zlib's, hex, 8 digits) over
 * `<key>\n<value>` and then `\n<name>=<value>` for every other header in ascending order of its name (UTF-16 units).
 * A missing key or value counts as empty. Kafka's client does not check a batch's CRC on read, LMDB has none: this is
 * the one check that covers a record from its writer to its reader.
 */
import { crc32 } from 'node:zlib'
import type { Headers } from '@roomlog/protocol'

/** @param value as text where its writer has it as such: then all is one call */
export function checksum(key: string | null, value: Buffer | string | null, headers: Headers): string {
  const before = `${key ?? ''}\n`
  let after = ''
  for (const name of sorted(Object.keys(headers))) if (name !== 'sum') after += `\n${name}=${headers[name]}`
  const sum = value instanceof Buffer ? crc32(after, crc32(value, crc32(before))) : crc32(before + (value ?? '') + after)
  return sum.toString(16).padStart(8, '0')
}

/** In place, by insertion: there are about ten names, and most are in order. Half the time of `sort`. */
function sorted(names: string[]): string[] {
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!
    let at = i
    for (; at > 0 && names[at - 1]! > name; at--) names[at] = names[at - 1]!
    names[at] = name
  }
  return names
}
