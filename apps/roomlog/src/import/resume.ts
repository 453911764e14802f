/**
 * How far a room is imported, from the room alone: a file's mark (state `irc.file`) says that it has begun or is done, and
 * every event of a line names it. So an import that was killed anywhere goes on, and a finished one changes nothing.
 */
import type { Client, WireEvent } from '@roomlog/client'
import { ClientError } from '@roomlog/client'
import { markType } from './plan.js'

export interface FileProgress {
  done: boolean
  /** The last line found in the room. */
  line: number
  /** `seq` of the file's first mark. */
  begun: number
}

/**
 * Whether what is in the room came in the order of these files, without one left out: only then is the state in which
 * the next file finds the room the one that the files before it say.
 */
export function isInOrder(files: { name: string }[], progress: Map<string, FileProgress>): boolean {
  let last = 0
  let before: 'done' | 'begun' | 'missing' = 'done'
  for (const { name } of files) {
    const found = progress.get(name)
    const now = found ? (found.done ? 'done' : 'begun') : 'missing'
    // A file may have begun before the last steps of the one before it are acknowledged, but is not done earlier.
    if (now !== 'missing' && (before === 'missing' || (before === 'begun' && now === 'done') || found!.begun < last)) return false
    last = found?.begun ?? last
    before = now
  }
  return true
}

/** By file name; undefined if the room does not exist. */
export async function readProgress(client: Client, room: string): Promise<Map<string, FileProgress> | undefined> {
  const position = await tailPosition(client, room)
  if (position === undefined) return undefined
  const files = new Map<string, FileProgress>()
  for (const { key, seq, content } of await marks(client, room, position)) {
    const mark = content as { state?: string; begun?: number } | null
    files.set(key!, { done: mark?.state === 'done', line: 0, begun: mark?.begun ?? seq })
  }
  const unfinished = [...files.values()].filter(({ done }) => !done)
  if (unfinished.length > 0) await readLines(client, room, Math.min(...unfinished.map(({ begun }) => begun)), files)
  return files
}

/** Of the room's last event, from the log; undefined if there is no such room. */
export async function tailPosition(client: Client, room: string): Promise<string | undefined> {
  let position: string | undefined
  const stream = client.room(room).subscribe({}, { event: () => {}, ready: (at) => void (position = at.position) })
  try {
    await stream.ready
    return position
  } catch (error) {
    if (error instanceof ClientError && error.code === 'not_found') return undefined
    throw error
  } finally {
    stream.close()
  }
}

/** Complete up to the position, however long the projection takes to get there. */
async function marks(client: Client, room: string, atLeast: string): Promise<WireEvent[]> {
  const found: WireEvent[] = []
  for (let after: string | undefined, more = true; more; ) {
    const query = new URLSearchParams({ limit: '500', atLeast, ...(after === undefined ? {} : { after }) })
    const route = `/v1/rooms/${encodeURIComponent(room)}/state/${markType}?${query}`
    try {
      const page = await client.http.write<{ state: WireEvent[]; next?: string }>('GET', route)
      found.push(...page.state)
      after = page.next
      more = after !== undefined
    } catch (error) {
      // `unavailable`: the projection is behind, and has been waited for already.
      if (!(error instanceof ClientError && error.code === 'unavailable')) throw error
    }
  }
  return found
}

/** Up to the tail as it is when the reading gets there. */
async function readLines(client: Client, room: string, from: number, files: Map<string, FileProgress>): Promise<void> {
  const stream = client.room(room).subscribe({ from }, { event: ({ event }) => note(event, files), live: () => stream.close() })
  await stream.ready
  const { reason } = await stream.ended
  if (reason !== 'closed') throw new Error(`${room} could not be read: ${reason}`)
}

function note({ content }: WireEvent, files: Map<string, FileProgress>): void {
  const line = (content as { line?: unknown } | null)?.line
  if (typeof line !== 'string') return
  const colon = line.lastIndexOf(':')
  const progress = files.get(line.slice(0, colon))
  if (progress) progress.line = Math.max(progress.line, Number(line.slice(colon + 1)))
}
