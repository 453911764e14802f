import type { Log } from '@roomlog/log'
import { eventsTopic, families } from '@roomlog/protocol'
import type { Config } from '@roomlog/runtime'
import { askCheckpoints, type Checkpoint, readCheckpoints } from '../checkpoints.js'
import { secondsOf } from '../duration.js'
import { UsageError } from '../settings.js'
import { printLine } from '../terminal.js'
import { planTrim, type TrimPlan } from '../trim/plan.js'

export interface TrimOptions {
  olderThan: string
  dryRun?: boolean
}

/** Resume tickets are good for an hour, and a paused process that still writes is not older than that: a day leaves room. */
const secondsMin = 86_400

/** Partition by partition: what one keeps never depends on another. @returns whether any partition was refused. */
export async function trim(log: Log, config: Config, options: TrimOptions, print: (plan: TrimPlan) => void): Promise<boolean> {
  const before = Date.now() - ageOf(options) * 1_000
  return trimBefore(log, await checkpointsOf(config), { before, dryRun: options.dryRun === true }, print)
}

/** @param before milliseconds since 1970 */
export async function trimBefore(
  log: Log,
  stored: readonly Checkpoint[],
  { before, dryRun }: { before: number; dryRun: boolean },
  print: (plan: TrimPlan) => void,
): Promise<boolean> {
  let refused = false
  for (const family of families) {
    for (let partition = 0; partition < log.partitions; partition++) {
      const checkpoint = stored.find((one) => one.topic === eventsTopic(family) && one.partition === partition)
      const plan = await planTrim(log, { family, partition }, checkpoint, before)
      if (!dryRun && plan.keepFrom > plan.start) await log.trim(plan.topic, partition, plan.keepFrom)
      refused ||= plan.refused
      print(plan)
    }
  }
  return refused
}

export function printPlans(json: boolean, dryRun: boolean): (plan: TrimPlan) => void {
  let head = json ? undefined : ['topic'.padEnd(12), 'partition', 'start', 'end', dryRun ? 'would go' : 'deleted', 'keeps from', 'why']
  return (plan) => {
    if (head) printLine(head.join('\t'))
    head = undefined
    printLine(json ? { ...plan, dryRun } : planLine(plan))
  }
}

function planLine({ topic, partition, start, end, keepFrom, why, refused }: TrimPlan): string {
  return [topic.padEnd(12), partition, start, end, keepFrom - start, keepFrom, refused ? `refused: ${why}` : why].join('\t')
}

function ageOf({ olderThan }: TrimOptions): number {
  const seconds = secondsOf('--older-than', olderThan)
  if (seconds < secondsMin) throw new UsageError(`--older-than ${olderThan}: at least 1d`)
  return seconds
}

async function checkpointsOf(config: Config): Promise<Checkpoint[]> {
  const isEmbedded = config.logUrl.startsWith('file:')
  const stored = (isEmbedded ? undefined : await askCheckpoints(config)) ?? (await readCheckpoints(config))
  if (stored) return stored
  throw new Error(
    `nothing is trimmed: persistence does not answer at ${config.persistenceUrl}, and no DATABASE_URL is set; without its checkpoints nobody knows what is stored`,
  )
}
