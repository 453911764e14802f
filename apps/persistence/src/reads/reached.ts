/**
 * Reads that must not be older than something the reader knows: `atLeast`. The projection of this process tells when it has
 * moved; that of another instance is asked for.
 */
import { parseComposite, parsePosition } from '@roomlog/log'
import { type WireError, wireError } from '@roomlog/protocol'
import type { Progress } from '../progress.js'
import type { Source } from '../store/source.js'

/** How long a read waits for the projection. */
export const reachedMsMax = 2_000
const askMs = 25

export interface Waiting {
  dataSource: Source
  progress: Progress
}

/** Undefined = everything up to the position(s) is stored. */
export async function reached(waiting: Waiting, atLeast: string | undefined): Promise<WireError | undefined> {
  if (atLeast === undefined) return undefined
  const wanted: Wanted[] = []
  for (const text of atLeast.split(',')) {
    const places = placesOf(text)
    if (!places) return wireError('invalid', 'atLeast is not a position', { field: 'atLeast' })
    wanted.push(...places)
  }
  return waitUntil(waiting, async () => {
    const rows = (await waiting.dataSource.query(
      `select u."offset", c."offset" > u."offset" as stored, c.epoch is not null as known
       from unnest($1::int[], $2::bigint[], $3::text[]) as u(partition, "offset", epoch)
       left join checkpoints c on c.partition = u.partition and c.epoch = u.epoch`,
      [wanted.map((at) => at.partition), wanted.map((at) => at.offset), wanted.map((at) => at.epoch)],
    )) as { stored: boolean | null; known: boolean }[]
    return rows.every(({ stored }) => stored)
  })
}

interface Wanted {
  partition: number
  /** Of the last record that must be stored. */
  offset: number
  epoch: string
}

/** Of an event position, or of all that a composite covers; undefined where the text is neither. */
function placesOf(text: string): Wanted[] | undefined {
  const at = parsePosition(text)
  if (at) return at.seq > 0 ? [at] : []
  const composite = parseComposite(text)
  const inbox = composite && placesOf(composite.inbox)
  return inbox && [...inbox, ...composite.partitions.map(([partition, epoch, offset]) => ({ partition, epoch, offset: offset - 1 }))]
}

/** Undefined as soon as the check holds; `unavailable` after the bound. */
export async function waitUntil({ progress }: Waiting, check: () => Promise<boolean>): Promise<WireError | undefined> {
  const deadline = performance.now() + reachedMsMax
  while (!(await check())) {
    if (performance.now() > deadline) return wireError('unavailable', 'the projection has not come that far yet')
    await nextCommit(progress)
  }
  return undefined
}

async function nextCommit(progress: Progress): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = progress.onCommitted(resolve)
  const timer = setTimeout(resolve, askMs)
  await promise
  clearTimeout(timer)
  end()
}
