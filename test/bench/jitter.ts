/**
 * Bad networks: every client's TCP connection is cut about every 15 s, without a word, and the client is kept away for 2 s.
 *
 * Method. Six processes with two edges on Kafka; SDK clients with their own back-off, 20 rooms, one event a second in each. The cuts
 * are spread evenly, each client's next one 15 s ± 5 s after the last. Everybody proves by `seq` what came.
 * Catch-up: from the answer to `auth` of a reconnect until `live`, with what was missed in between.
 * There is no baseline: the aims are absolute. ROOMLOG_BENCH_CLIENTS (default 2,000) and ROOMLOG_BENCH_SCALE (default 1 = 5 minutes)
 * make it smaller; both are figures of the report.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDeployment } from '../harness/deployment.ts'
import { Fleet, fleetClients, scale } from './fleet.ts'
import { type Benchmark, quantile, round } from './report.ts'

const clients = fleetClients(2_000)
const minutes = 5 * scale
const rooms = 20
const betweenMs = 15_000
const spreadMs = 10_000
const downMs = 2_000
const stepMs = 50

export const benchmark: Benchmark = {
  name: 'jitter',
  about: '2,000 SDK clients whose TCP connections are cut every 15 s for 2 s, 5 minutes: nothing lost, nothing twice',
  async run(progress) {
    const deployment = await startDeployment('cluster', { env: { ROOMLOG_LOG_LEVEL: 'warn' } })
    try {
      const fleet = await Fleet.start(deployment, { clients, rooms, rate: 1 })
      progress(`${clients} clients are connected`)
      for (const member of fleet.members) member.catchUpsMs.length = 0
      const busy = performance.eventLoopUtilization()
      const next = fleet.members.map(() => performance.now() + Math.random() * betweenMs)
      const until = performance.now() + minutes * 60_000
      let cuts = 0
      while (performance.now() < until) {
        await sleep(stepMs)
        fleet.members.forEach((member, i) => {
          if (performance.now() < next[i]!) return
          next[i] = performance.now() + betweenMs + (Math.random() - 0.5) * spreadMs
          fleet.cut(member, downMs)
          cuts++
        })
      }
      const generatorBusy = performance.eventLoopUtilization(busy).utilization
      const missing = await fleet.settle(60_000)
      const catchUps = fleet.members.flatMap(({ catchUpsMs }) => catchUpsMs)
      const figures = {
        clients,
        minutes,
        cuts,
        reconnects: catchUps.length,
        published: fleet.published,
        lost: fleet.total('lost') + missing,
        duplicates: fleet.total('duplicates'),
        resets: fleet.total('resets'),
        catchUpP50Ms: round(quantile(catchUps, 0.5)),
        catchUpP99Ms: round(quantile(catchUps, 0.99)),
        generatorBusy: round(generatorBusy),
      }
      fleet.close()
      return {
        figures,
        ratios: {},
        aims: [
          { name: 'delivered', aim: 'every event to every client', met: figures.lost === 0 && figures.resets === 0 && cuts > 0 },
          { name: 'once', aim: 'no event twice', met: figures.duplicates === 0 },
          { name: 'catch-up', aim: 'catch-up p99 below 2 s', met: figures.catchUpP99Ms < 2_000 },
        ],
      }
    } finally {
      await deployment.stop()
    }
  },
}
