/**
 * How far the archive is: for metrics, for health, and for reads that wait until the projection has reached a position.
 */
import type { Batch } from '@roomlog/log'
import type { Metrics } from '@roomlog/runtime'
import type { Slice } from './slice.js'

interface PartitionProgress {
  next: number
  end: number
  /** Why it has stopped. */
  stopped?: string
}

export class Progress {
  private readonly partitions = new Map<string, PartitionProgress>()
  private readonly listeners = new Set<() => void>()
  private readonly figures?: ReturnType<typeof figuresOf>

  constructor(metrics?: Metrics) {
    if (metrics) this.figures = figuresOf(metrics, this.partitions)
  }

  opened(topic: string, partition: number): void {
    this.partitions.set(`${topic}/${partition}`, { next: 0, end: 0 })
  }

  closed(topic: string, partition: number): void {
    this.partitions.delete(`${topic}/${partition}`)
  }

  stopped(topic: string, partition: number, reason: string): void {
    this.of(topic, partition).stopped = reason
    this.figures?.stops.inc()
  }

  seen(topic: string, partition: number, batch: Batch): void {
    const progress = this.of(topic, partition)
    progress.end = batch.end
    if (batch.records.length === 0 && batch.next === batch.end) progress.next = batch.next
    this.figures?.voids.inc(batch.voids)
  }

  committed(slices: readonly Slice[], tookMs: number): void {
    let events = 0
    for (const slice of slices) {
      events += slice.events.length
      this.of(slice.topic, slice.partition).next = slice.next
    }
    this.figures?.events.inc(events)
    this.figures?.batch.observe(events)
    this.figures?.commit.observe(tookMs / 1_000)
    for (const listener of this.listeners) listener()
  }

  /** Called after every commit of this process; returns the way to end it. */
  onCommitted(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Records that are in the log and not in the database, over all partitions of this process. */
  behind(): number {
    let records = 0
    for (const { next, end } of this.partitions.values()) records += Math.max(0, end - next)
    return records
  }

  stoppedPartitions(): Record<string, string> {
    return Object.fromEntries([...this.partitions].flatMap(([key, { stopped }]) => (stopped ? [[key, stopped]] : [])))
  }

  private of(topic: string, partition: number): PartitionProgress {
    const key = `${topic}/${partition}`
    let progress = this.partitions.get(key)
    if (!progress) this.partitions.set(key, (progress = { next: 0, end: 0 }))
    return progress
  }
}

function figuresOf(metrics: Metrics, partitions: ReadonlyMap<string, PartitionProgress>) {
  metrics.gauge('roomlog_persistence_lag_records', 'Records in the log that are not stored yet.', ['partition'], (gauge) => {
    gauge.reset()
    for (const [key, { next, end }] of partitions) gauge.set({ partition: key }, Math.max(0, end - next))
  })
  return {
    events: metrics.counter('roomlog_persistence_events_total', 'Events stored.'),
    voids: metrics.counter('roomlog_persistence_void_records_total', 'Void records passed over.'),
    stops: metrics.counter('roomlog_persistence_stops_total', 'Partitions stopped because log and database contradict each other.'),
    batch: metrics.histogram(
      'roomlog_persistence_batch_events',
      'Events of one transaction.',
      [],
      [1, 10, 50, 100, 500, 1_000, 2_000, 5_000],
    ),
    commit: metrics.histogram('roomlog_persistence_commit_seconds', 'Time of one transaction.'),
  }
}
