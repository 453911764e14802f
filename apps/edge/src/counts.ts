/**
 * The edge's figures. Hot paths count in plain fields, which the registry reads when it is asked.
 */
import type { Metrics } from '@roomlog/runtime'
import type { State } from './subscription.js'

export class Counts {
  connections = 0
  readonly streams = { sse: 0, longpoll: 0 }
  deliveries = 0
  bytes = 0
  private readonly states = { behind: 0, live: 0, ended: 0 }
  private readonly labelled: Record<
    'replays' | 'closes' | 'limits' | 'resets' | 'failures' | 'bad' | 'signals' | 'dropped' | 'tickets',
    (label: string, by?: number) => void
  >
  private readonly events: { inc(by: number): void }
  private readonly leases: { inc(by: number): void }

  constructor(private readonly metrics: Metrics) {
    const counter = (name: string, help: string, label: string) => {
      const figure = metrics.counter(name, help, [label])
      return (value: string, by = 1) => figure.inc({ [label]: value }, by)
    }
    this.labelled = {
      replays: counter('roomlog_edge_replayed_events_total', 'Events replayed, by where they came from.', 'source'),
      closes: counter('roomlog_edge_closes_total', 'Connections ended, by close code.', 'code'),
      limits: counter('roomlog_edge_limit_hits_total', 'Limits that were hit.', 'limit'),
      resets: counter('roomlog_edge_resets_total', 'Positions that could not be continued.', 'reason'),
      failures: counter('roomlog_edge_failures_total', 'Failures of a part.', 'part'),
      signals: counter('roomlog_edge_signals_total', 'Ephemeral frames handed to connections, by kind.', 'kind'),
      dropped: counter('roomlog_edge_signals_dropped_total', 'Ephemeral frames dropped for slow connections, by kind.', 'kind'),
      tickets: counter('roomlog_edge_tickets_total', 'Resume tickets, by what became of them.', 'outcome'),
      bad: counter('roomlog_edge_refused_frames_total', 'Frames of clients that were refused, by code.', 'code'),
    }
    this.leases = metrics.counter('roomlog_edge_presence_leases_total', 'Presence leases written, one per room and time.')
    this.events = metrics.counter('roomlog_edge_events_total', 'Records received from the log.')
    metrics.gauge('roomlog_edge_connections', 'Open connections.', [], (gauge) => gauge.set(this.connections))
    metrics.gauge('roomlog_edge_streams', 'Open requests that stream, by transport.', ['transport'], (gauge) => {
      gauge.set({ transport: 'sse' }, this.streams.sse)
      gauge.set({ transport: 'longpoll' }, this.streams.longpoll)
    })
    metrics.gauge('roomlog_edge_subscriptions', 'Subscriptions by state.', ['state'], (gauge) => {
      gauge.set({ state: 'live' }, this.states.live)
      gauge.set({ state: 'behind' }, this.states.behind)
    })
    metrics.gauge('roomlog_edge_deliveries', 'Event frames handed to sockets since the start.', [], (gauge) => gauge.set(this.deliveries))
    metrics.gauge('roomlog_edge_delivered_bytes', 'Bytes handed to sockets since the start.', [], (gauge) => gauge.set(this.bytes))
  }

  watch(sizes: { rings(): number; feeds(): number; chunks(): number; fetched(): Record<string, number> }): void {
    this.metrics.gauge('roomlog_edge_fetched_bytes', 'Bytes read from the log since the start, by topic.', ['topic'], (gauge) => {
      for (const [topic, bytes] of Object.entries(byTopic(sizes.fetched()))) gauge.set({ topic }, bytes)
    })
    this.metrics.gauge('roomlog_edge_ring_bytes', 'Bytes of recent records.', [], (gauge) => gauge.set(sizes.rings()))
    this.metrics.gauge('roomlog_edge_feeds', 'Partitions that are followed.', [], (gauge) => gauge.set(sizes.feeds()))
    this.metrics.gauge('roomlog_edge_chunk_bytes', 'Bytes of shared reads of the log.', [], (gauge) => gauge.set(sizes.chunks()))
  }

  readonly subscriptionState = (state: State, before: State | undefined): void => {
    this.states[state]++
    if (before) this.states[before]--
  }

  readonly replayed = (source: string, events: number): void => this.labelled.replays(source, events)
  received = (records: number): void => this.events.inc(records)
  readonly signalled = (kind: string): void => this.labelled.signals(kind)
  readonly signalDropped = (kind: string): void => this.labelled.dropped(kind)
  readonly leased = (leases: number): void => this.leases.inc(leases)
  ticket = (outcome: string): void => this.labelled.tickets(outcome)
  closed = (code: number): void => this.labelled.closes(String(code))
  limitHit = (limit: string): void => this.labelled.limits(limit)
  reset = (reason: string): void => this.labelled.resets(reason)
  failed = (part: string): void => this.labelled.failures(part)
  refused = (code: string): void => this.labelled.bad(code)
}

/** From figures of `<topic>/<partition>`. */
function byTopic(figures: Record<string, number>): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [place, figure] of Object.entries(figures)) {
    const topic = place.slice(0, place.lastIndexOf('/'))
    sums[topic] = (sums[topic] ?? 0) + figure
  }
  return sums
}
