/** The authority's figures for Prometheus, and its log lines. */
import type { Logger, Metrics } from '@roomlog/runtime'
import type { Authorities } from './authorities.js'
import type { Figure, Observer, Timed } from './observer.js'

export function observerOf(metrics: Metrics, logger: Logger): Observer {
  const decided = metrics.counter('roomlog_acl_commands_decided_total', 'commands decided, by outcome or refusal code', ['outcome'])
  const counters = new Map(
    Object.entries(figures).map(([figure, help]) => [figure as Figure, metrics.counter(`roomlog_acl_${snake(figure)}_total`, help)]),
  )
  const times = new Map(
    Object.entries(timed).map(([figure, help]) => [figure as Timed, metrics.histogram(`roomlog_acl_${figure}_seconds`, help)]),
  )
  return {
    count(figure, by = 1, label) {
      if (by === 0) return
      if (label === undefined) counters.get(figure)?.inc(by)
      else decided.inc({ outcome: label }, by)
    },
    time: (figure, ms) => times.get(figure)?.observe(ms / 1_000),
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
  }
}

/** What is asked for at every scrape. */
export function gaugesOf(metrics: Metrics, authorities: Authorities): void {
  const sum = (
    name: string,
    help: string,
    of: (status: Authorities['status'][number]) => number,
    merge: (a: number, b: number) => number,
  ) => metrics.gauge(name, help, [], (gauge) => gauge.set(authorities.status.map(of).reduce(merge, 0)))
  const add = (a: number, b: number) => a + b
  sum('roomlog_acl_partitions', 'partitions (of both families) that are decided here', ({ state }) => Number(state === 'deciding'), add)
  sum('roomlog_acl_partitions_stopped', 'partitions that need repair', ({ state }) => Number(state === 'stopped'), add)
  sum('roomlog_acl_commands_waiting', 'commands read and not decided', ({ waiting }) => waiting, add)
  sum('roomlog_acl_parked', 'commands that wait for their previous action', ({ parked }) => parked, add)
  sum('roomlog_acl_follow_ups_waiting', 'follow-ups not acknowledged', ({ followUps }) => followUps, add)
  sum('roomlog_acl_rooms', 'rooms held in memory', ({ rooms }) => rooms, add)
  sum(
    'roomlog_acl_checkpoint_age_seconds',
    'age of the oldest checkpoint',
    ({ checkpointAt }) => (checkpointAt === undefined ? 0 : (Date.now() - checkpointAt) / 1_000),
    Math.max,
  )
}

const figures: Record<Exclude<Figure, 'decided'>, string> = {
  batches: 'batches appended',
  events: 'events appended',
  marks: 'marks appended',
  conflicts: 'appends that found the log moved',
  unknowns: 'appends of unknown outcome',
  unknownsTaken: 'appends that failed and stand in the log all the same',
  discarded: 'batches decided again',
  voids: 'void records passed over',
  followUps: 'follow-ups sent',
  poison: 'commands that could not be decided, copied to ingest.dead',
  roomsStopped: 'rooms stopped by an event that could not be folded',
  commandsLost: 'commands trimmed before they were decided',
  takeovers: 'partitions taken over',
  checkpoints: 'checkpoints written',
  chunks: 'chunks of rooms written',
  chunksDoubled: 'times that the chunks of a room were doubled',
  staleChunks: 'checkpoint records of paused former owners met',
  strangeChunks: 'checkpoint records of others found between our own, and written again',
  otherLogs: 'logs found shorter than or different from their checkpoint',
  timesPassed: 'time.passed commands sent',
  repeatsAnswered: 'commands answered from the log after another owner decided them',
}

const timed: Record<Timed, string> = {
  takeover: 'time to take a partition over',
  append: 'time of one append',
  checkpoint: 'time of one checkpoint',
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
