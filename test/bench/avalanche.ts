/**
 * One of two edges is killed with -9: its clients come back through the other one.
 *
 * Method. Six processes with two edges on Kafka; all SDK clients are on the edge that is killed, with their own back-off unmodified;
 * 20 rooms, one event a second in each. The balancer stops sending clients to the dead edge at once.
 * Back: from the kill until the client is authenticated again; whole: until its subscription is live again, with all that it missed.
 * Baseline, same run, before: how many connects a second a bare `ws` server with the same token check takes from this generator.
 * Aim for the 95th of a hundred: 1.5 × (clients / that rate) + the SDK's largest first delay. ROOMLOG_BENCH_CLIENTS (default 2,000).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { startDeployment } from '../harness/deployment.ts'
import { Fleet, fleetClients } from './fleet.ts'
import { type Benchmark, median, quantile, round, verdict } from './report.ts'
import { inParallel } from './wire.ts'

const clients = fleetClients(2_000)
/** `backOffMin` of the SDK: the bound of its first delay. */
const firstDelayMsMax = 250
const backMsMax = 120_000
const baselineRounds = 3

export const benchmark: Benchmark = {
  name: 'avalanche',
  about: 'one of two edges killed with 2,000 SDK clients on it: nothing lost, all back, in how long against a bare ws server',
  async run(progress) {
    const deployment = await startDeployment('cluster', { env: { ROOMLOG_LOG_LEVEL: 'warn' } })
    try {
      const bare = await bareConnectRates(deployment.tokens.secret, await deployment.tokens.user('baseline'))
      progress(`bare connects a second: ${bare.map((rate) => round(rate, 0)).join(', ')}`)
      const dying = deployment.service('edge-1')
      const other = deployment.service('edge-2')
      const fleet = await Fleet.start({ ...deployment, urls: [dying.url] }, { clients, rooms: 20, rate: 1 })
      progress(`${clients} clients are connected`)
      await sleep(3_000)
      for (const member of fleet.members) member.catchUpsMs.length = 0
      const busy = performance.eventLoopUtilization()
      const from = performance.now()
      fleet.up.add(other.url)
      fleet.up.delete(dying.url)
      await dying.kill('SIGKILL')
      const deadline = performance.now() + backMsMax
      const whole = () => fleet.members.every(({ catchUpsMs }) => catchUpsMs.length > 0)
      while (!whole() && performance.now() < deadline) await sleep(50)
      const back = fleet.members.filter(({ edge, connectedAt }) => edge === other.url && connectedAt > from)
      const backMs = back.map(({ connectedAt }) => connectedAt - from)
      const wholeMs = back.map(({ connectedAt, catchUpsMs }) => connectedAt - from + (catchUpsMs.at(-1) ?? Number.POSITIVE_INFINITY))
      const missing = await fleet.settle(60_000)
      const aimMs = 1.5 * (clients / median(bare)) * 1_000 + firstDelayMsMax
      const figures = {
        clients,
        bareConnectsPerSecond: round(median(bare), 0),
        back: back.length,
        backP50Ms: round(quantile(backMs, 0.5), 0),
        backP95Ms: round(quantile(backMs, 0.95), 0),
        wholeP95Ms: round(quantile(wholeMs, 0.95), 0),
        aimMs: round(aimMs, 0),
        published: fleet.published,
        lost: fleet.total('lost') + missing,
        duplicates: fleet.total('duplicates'),
        resets: fleet.total('resets'),
        generatorBusy: round(performance.eventLoopUtilization(busy).utilization),
      }
      fleet.close()
      return {
        figures,
        ratios: { backP95: round(figures.backP95Ms / ((clients / median(bare)) * 1_000 + firstDelayMsMax)) },
        aims: [
          { name: 'lost', aim: 'nothing lost', met: figures.lost === 0 && figures.resets === 0 },
          { name: 'back', aim: 'all are back', met: figures.back === clients },
          { name: 'once', aim: 'nothing twice', met: figures.duplicates === 0 },
          {
            name: 'time',
            aim: 'p95 at most 1.5 × clients / bare connects per second, and the largest first delay',
            met: verdict(figures.backP95Ms <= aimMs, bare),
          },
        ],
      }
    } finally {
      await deployment.stop()
    }
  },
}

/** Connects a second, with the generator's own client library (that of the SDK on Node). */
async function bareConnectRates(secret: string, token: string): Promise<number[]> {
  const child = fork(new URL('./bare-auth.ts', import.meta.url), [secret])
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const rates: number[] = []
  for (let i = 0; i < baselineRounds; i++) {
    const sockets: WebSocket[] = []
    const from = performance.now()
    await inParallel(clients, 250, async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
      sockets.push(ws)
      await once(ws, 'open')
      ws.send(JSON.stringify({ id: 1, token }))
      await once(ws, 'message')
    })
    rates.push(clients / ((performance.now() - from) / 1_000))
    for (const ws of sockets) ws.terminate()
  }
  child.disconnect()
  return rates
}
