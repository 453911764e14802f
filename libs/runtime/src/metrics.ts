import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * The figures of one process. Every helper gives the same figure for the same name, so that several apps in one process
 * (and several instances of a class) count together. Names begin with `roomlog_` and end with their unit.
 * Labels never hold user IDs, room IDs or anything else that a client can invent.
 */
export class Metrics {
  readonly registry = new Registry()

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.once(name, () => new Counter({ name, help, labelNames, registers: [this.registry] })) as Counter<L>
  }

  /** With `read` the value is asked for at every scrape. */
  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = [], read?: (gauge: Gauge<L>) => void): Gauge<L> {
    return this.once(name, () => {
      const collect = read && { collect: () => read(gauge) }
      const gauge: Gauge<L> = new Gauge({ name, help, labelNames, registers: [this.registry], ...collect })
      return gauge
    }) as Gauge<L>
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = secondsBuckets,
  ): Histogram<L> {
    return this.once(
      name,
      () => new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] }),
    ) as Histogram<L>
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  private once(name: string, create: () => unknown): unknown {
    return this.registry.getSingleMetric(name) ?? create()
  }
}

/** 0.5 ms … 10 s. */
export const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** The process's own. */
export const metrics = new Metrics()
collectDefaultMetrics({ register: metrics.registry })
