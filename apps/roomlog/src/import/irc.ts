/** The import of IRC logs: files → plan → commands, with what is in the room already left out. */
import type { Client } from '@roomlog/client'
import type { LogFile } from './file.js'
import { parseLine } from './line.js'
import { markType, Planner, type Step } from './plan.js'
import { Publisher } from './publisher.js'
import { Counts, SaidDigest } from './report.js'
import { type FileProgress, isInOrder, readProgress } from './resume.js'

export interface ImportOptions {
  files: LogFile[]
  /** One room for all files in order of date, or one for each. */
  rooms: 'channel' | 'file'
  /** Of the channel's room, instead of one named after the channel. */
  room?: string
  /** Told how many lines are accounted for. */
  onProgress?(lines: number): void
  onTrouble?(message: string): void
}

export interface ImportResult {
  counts: Counts
  said: SaidDigest
  rooms: string[]
  /** Commands sent; the rest was there. */
  published: number
  outOfOrder: number
}

/** Commands in flight: far below what an authority remembers, and enough to keep a slow log busy. */
export const windowMax = 2_000
const giveUpMs = 300_000

/** @throws what a server refused for good, or what lasted longer than five minutes. */
export async function importIrc(client: Client, options: ImportOptions): Promise<ImportResult> {
  const result: ImportResult = { counts: new Counts(), said: new SaidDigest(), rooms: [], published: 0, outOfOrder: 0 }
  const channel = channelOf(options.files)
  const marks = new Marks()
  const publisher = new Publisher({
    command: (room, wish) => client.command(room, wish),
    windowMax,
    giveUpMs,
    onDone: (step, seq) => marks.done(step, seq),
    onTrouble: (error) => options.onTrouble?.(error.message),
  })
  let planner: Planner | undefined
  let progress: Map<string, FileProgress> = new Map()
  let inOrder = true
  for (const file of options.files) {
    const room = options.rooms === 'file' ? fileRoom(file) : (options.room ?? channelRoom(channel))
    if (planner?.room !== room) {
      planner = new Planner(room, result.counts, (nick, text) => result.said.add(nick, text))
      progress =
        (await readProgress(client, room)) ?? (await create(client, room, options.rooms === 'file' ? `${channel} ${file.name}` : channel))
      inOrder = options.rooms === 'file' || isInOrder(options.files, progress)
      result.rooms.push(room)
    }
    if (!inOrder) planner.forget()
    const steps = planner.file(file)
    const mark = steps.pop()!
    const missing = missingOf(steps, progress.get(file.name))
    if (missing) {
      marks.expect(mark, missing.length, progress.get(file.name)?.begun)
      for (const step of missing) await publisher.add(step)
      for (const ready of marks.take()) await publisher.add(ready)
      result.published += missing.length + 1
    }
    options.onProgress?.(result.counts.lines)
  }
  await publisher.drain()
  for (const ready of marks.take()) await publisher.add(ready)
  await publisher.drain()
  return { ...result, outOfOrder: publisher.outOfOrder }
}

/** The steps that may not be in the room; undefined = all are. The last ones that are go again, under their keys. */
function missingOf(steps: Step[], progress: FileProgress | undefined): Step[] | undefined {
  if (progress?.done) return undefined
  if (!progress) return steps
  const next = steps.findIndex(({ line }) => line > progress.line)
  return steps.slice(Math.max(0, (next < 0 ? steps.length : next) - windowMax))
}

/**
 * A file's last mark goes out when every step of the file is acknowledged: it promises that nothing of it is missing. It keeps
 * the `seq` of the first mark, which it replaces.
 */
class Marks {
  readonly #waiting = new Map<string, { mark: Step; left: number; begun: number | undefined }>()
  #ready: Step[] = []

  expect(mark: Step, left: number, begun: number | undefined): void {
    this.#waiting.set(mark.file, { mark, left, begun })
    if (left === 0) this.#finish(mark.file)
  }

  done({ file, part }: Step, seq: number): void {
    const waiting = this.#waiting.get(file)
    if (!waiting) return
    if (part === 'mark') waiting.begun = seq
    if (--waiting.left === 0) this.#finish(file)
  }

  take(): Step[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #finish(file: string): void {
    const { mark, begun } = this.#waiting.get(file)!
    this.#waiting.delete(file)
    const content = { ...mark.command.content, begun }
    this.#ready.push({ ...mark, command: { ...mark.command, content } })
  }
}

async function create(client: Client, room: string, name: string): Promise<Map<string, FileProgress>> {
  await client.http.createRoom({
    room,
    name,
    topic: `Imported from IRC logs; each event names its line (state ${markType})`,
    access: 'public',
  })
  return new Map()
}

/** The channel that the files speak of; `#irc` if they never do. */
export function channelOf(files: LogFile[]): string {
  const text = new TextDecoder()
  for (const { bytes } of files) {
    for (const line of text.decode(bytes).split('\n')) {
      if (!line.startsWith('=== ')) continue
      const parsed = parseLine(line)
      if ('channel' in parsed) return parsed.channel.toLowerCase()
    }
  }
  return '#irc'
}

const channelRoom = (channel: string) => `irc-${channel.replace(/^#+/, '')}`
const fileRoom = (file: LogFile) => `irc-${file.name.replace(/(\.raw)?\.(txt|log)$/, '')}`
