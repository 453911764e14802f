/**
 * A deploy: both edges are restarted in turn with SIGTERM while clients listen and services publish.
 *
 * Method. Six processes with two edges on Kafka; SDK clients with their own back-off, 20 rooms, two events a second in each. From the
 * SIGTERM on the balancer sends nobody new to that edge, as one that asks for readiness; when it is ready again it takes part.
 * Connect rate: most answers to `auth` within any one second from the SIGTERM on, against clients of that edge / drain window (10 s).
 * ROOMLOG_BENCH_CLIENTS (default 2,000) makes it smaller, and is a figure of the report.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDeployment } from '../harness/deployment.ts'
import { Fleet, fleetClients } from './fleet.ts'
import { type Benchmark, round } from './report.ts'

const clients = fleetClients(2_000)
const drainSeconds = 10
const calmMs = 5_000

export const benchmark: Benchmark = {
  name: 'rolling',
  about: 'both edges restarted in turn with SIGTERM under load: nothing lost, nothing twice, reconnects spread over the drain',
  async run(progress) {
    const deployment = await startDeployment('cluster', { env: { ROOMLOG_LOG_LEVEL: 'warn' } })
    try {
      const fleet = await Fleet.start(deployment, { clients, rooms: 20, rate: 2 })
      progress(`${clients} clients are connected`)
      const busy = performance.eventLoopUtilization()
      const ratios: Record<string, number> = {}
      const figures: Record<string, number> = { clients }
      for (const name of ['edge-1', 'edge-2']) {
        await sleep(calmMs)
        const edge = deployment.service(name)
        const concerned = fleet.on(edge.url).length
        const from = performance.now()
        fleet.up.delete(edge.url)
        await edge.kill('SIGTERM')
        figures[`${name}.drainMs`] = round(performance.now() - from, 0)
        await sleep(calmMs)
        figures[`${name}.clients`] = concerned
        figures[`${name}.connectsPerSecondMax`] = fleet.connectRateMax(from)
        ratios[`${name}.connectRate`] = round(fleet.connectRateMax(from) / (concerned / drainSeconds))
        await edge.restart()
        fleet.up.add(edge.url)
        progress(`${name}: ${concerned} clients, at most ${figures[`${name}.connectsPerSecondMax`]} connects a second`)
      }
      const missing = await fleet.settle(60_000)
      Object.assign(figures, {
        published: fleet.published,
        publishFailures: fleet.failures,
        lost: fleet.total('lost') + missing,
        duplicates: fleet.total('duplicates'),
        resets: fleet.total('resets'),
        generatorBusy: round(performance.eventLoopUtilization(busy).utilization),
      })
      fleet.close()
      return {
        figures,
        ratios,
        aims: [
          { name: 'lost', aim: 'nothing lost', met: figures.lost === 0 && figures.resets === 0 },
          { name: 'once', aim: 'nothing twice', met: figures.duplicates === 0 },
          {
            name: 'connect rate',
            aim: 'at most 2 × clients / drain window',
            met: Math.max(...Object.values(ratios)) <= 2,
          },
        ],
      }
    } finally {
      await deployment.stop()
    }
  },
}
