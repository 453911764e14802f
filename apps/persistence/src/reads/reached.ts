/**
 * Reads that must not be older than something the reader knows: `atLeast`. The projection of this process tells when it has
 * moved; that of another instance is asked for.
 */
import { parsePosition } from '@roomlog/log'
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
  const positions = atLeast.split(',').map(parsePosition)
  const wanted: { partition: number; offset: number; epoch: string }[] = []
  for (const at of positions) {
    if (!at) return wireError('invalid', 'atLeast is not a position', { field: 'atLeast' })
    if (at.seq > 0) wanted.push(at)
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
