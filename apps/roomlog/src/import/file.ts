/**
 * One file of the log: its bytes as lines of text, with the time of each.
 */
import { type Line, parseLine } from './line.js'

export interface LogFile {
  /** Base name, as in the archive. */
  name: string
  bytes: Uint8Array
}

export interface FileLine {
  /** From 1. */
  number: number
  line: Line
  /** `YYYY-MM-DD hh:mm` as written (older files have a 12-hour clock without am and pm), or the date alone. */
  time: string
}

const newline = 0x0a

/** Lines in order. A line without a time has that of the line before it, or at the beginning of the first that has one. */
export function linesOf(file: LogFile): FileLine[] {
  const date = /^\d{4}-\d{2}-\d{2}/.exec(file.name)?.[0] ?? ''
  const lines = split(file.bytes).map((bytes) => parseLine(textOf(bytes)))
  let clock = lines.find(({ time }) => time !== undefined)?.time
  return lines.map((line, index) => {
    clock = line.time ?? clock
    return { number: index + 1, line, time: [date, clock].filter(Boolean).join(' ') }
  })
}

function split(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start)
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end))
    if (end < 0) break
    start = end + 1
  }
  return lines
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** What is not UTF-8 was most likely written on Windows; that encoding has a character for every byte. */
const windows = new TextDecoder('windows-1252')

/** NUL and U+FEFF are no text for any door; they become U+FFFD. A carriage return before the line's end belongs to the end. */
function textOf(bytes: Uint8Array): string {
  const line = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes
  let text: string
  try {
    text = utf8.decode(line)
  } catch {
    text = windows.decode(line)
  }
  return text.replaceAll('\u0000', '\uFFFD').replace(/^\uFEFF/, '')
}
