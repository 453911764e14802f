/**
 * How far one partition of events may be trimmed: to the last mark that names the incarnation, at or below the lowest of what
 * persistence has stored, what the authority's checkpoint covers, and the wanted age. What contradicts itself is refused.
 */
import type { Log } from '@roomlog/log'
import { eventsTopic, type Family } from '@roomlog/protocol'
import type { Checkpoint } from '../checkpoints.js'
import { firstSince } from './age.js'
import { covered } from './covered.js'
import { lastMark } from './mark.js'

export interface TrimPlan {
  topic: string
  partition: number
  start: number
  end: number
  /** Where the log begins afterwards; `start` = nothing goes. */
  keepFrom: number
  /** The three limits, as offsets from which events are kept; null = not looked at, or not known. */
  stored: number | null
  covered: number | null
  aged: number | null
  /** What keeps the events from `keepFrom` on, in plain words. */
  why: string
  /** Nothing may be said of this partition, and nothing is deleted. */
  refused: boolean
}

/** @param before milliseconds since 1970: what is not older is kept. @param stored undefined = persistence knows nothing of the partition */
export async function planTrim(
  log: Log,
  { family, partition }: { family: Family; partition: number },
  stored: Checkpoint | undefined,
  before: number,
): Promise<TrimPlan> {
  const topic = eventsTopic(family)
  const { start, end } = await log.range(topic, partition)
  const plan: TrimPlan = { topic, partition, start, end, keepFrom: start, stored: null, covered: null, aged: null, why: '', refused: false }
  const kept = (why: string): TrimPlan => ({ ...plan, why })
  const refused = (why: string): TrimPlan => ({ ...plan, why, refused: true })
  if (start === end) return kept('it is empty')
  if (!stored) return kept('persistence knows nothing of it')
  plan.stored = stored.offset
  if (stored.offset < start) return refused(`persistence has stored up to ${stored.offset}, below the log’s start ${start}`)
  if (stored.offset > end) return refused(`persistence has stored up to ${stored.offset}, beyond the log’s end ${end}`)
  const authority = await covered(log, family, partition)
  if (authority === 'none') return kept('the authority has no checkpoint of it yet')
  if ('refused' in authority) return refused(authority.refused)
  plan.covered = authority.through
  if (stored.epoch !== authority.epoch) return refused('persistence and the authority speak of different logs')
  const safe = Math.max(start, Math.min(stored.offset, authority.through))
  plan.aged = await firstSince(log, topic, partition, { start, end: safe }, before)
  const mark = await lastMark(log, topic, partition, start, plan.aged)
  if (mark === undefined) return kept('no mark that may go names the incarnation: the next owner’s mark will')
  plan.keepFrom = mark
  if (mark < plan.aged) return kept(`the last mark before ${plan.aged} that names the incarnation`)
  if (plan.aged < safe) return kept('younger than the wanted age')
  return kept(stored.offset < authority.through ? 'persistence has not stored it' : 'the authority’s checkpoint does not cover it')
}
