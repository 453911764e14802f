import type { Config } from '@roomlog/runtime'

/** The edge's part of the configuration that is not a variable of its own: intervals, in milliseconds. */
export interface EdgeTimes {
  /** Between two pings; a connection that has not answered two is ended. */
  pingMs: number
  /** How long a send buffer may stay full before the client is told that it is too slow. */
  slowMs: number
  /** How long a feed without subscribers goes on. */
  lingerMs: number
  /** In which the connections are shown out when the edge stops. */
  drainMs: number
}

export function edgeTimes({ limits }: Pick<Config, 'limits'>): EdgeTimes {
  return { pingMs: 25_000, slowMs: 120_000, lingerMs: 30_000, drainMs: Math.max(Math.min(limits.shutdownMs - 10_000, 10_000), 1_000) }
}
