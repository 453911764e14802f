/**
 * One client of a thousand stops reading for a minute: the others do not notice, and it misses nothing.
 *
 * Method. The edge as its module makes it, on the memory log, on one core; raw TCP clients in another process; one room, 1,000 sockets,
 * 30 events of 2 KiB a second. Rounds alternate: in every other one, one further client of that room has stopped reading (at the end of such
 * a round it reads again, and must get everything). Latencies are those of the thousand. Its send buffer is bounded at 64 KiB,
 * so that it falls behind in seconds: that it did is proven by the edge's count of replayed events.
 * Baseline: the rounds in which everybody reads. ROOMLOG_BENCH_SCALE (default 1) scales the duration of a round (15 s; four of each
 * are a minute of standstill).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Benchmark, median, quantile, round, verdict } from './report.ts'
import { generatorCore, pin, ServedSide } from './served.ts'
import { type LoadSocket, numberIn } from './wire.ts'

const readers = 1_000
const rate = 30
const rounds = 4
const durationMs = 15_000 * Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
const catchUpMsMax = 30_000

export const benchmark: Benchmark = {
  name: 'slow',
  about: '1 client of 1,000 that stops reading: the others’ p99 with and without it, the edge’s memory, and what it gets afterwards',
  async run(progress) {
    pin(process.pid, generatorCore)
    const edge = await ServedSide.start('edge', 1, { BODY_BYTES: '2000', ROOMLOG_LIMIT_SEND_BUFFER_BYTES: '65536' })
    try {
      const sockets = await edge.enter(readers, 1)
      const [stalled] = (await edge.enter(1, 1)) as [LoadSocket]
      let latencies: number[] = []
      for (const socket of sockets) {
        socket.onFrame = (bytes, start, end, at) => {
          const sentAt = numberIn(bytes, start, end, stamp)
          if (!Number.isNaN(sentAt)) latencies.push((at - sentAt) / 1e6)
        }
      }
      const seen = { first: 0, last: 0, wrong: 0 }
      stalled.onFrame = (bytes, start, end) => {
        const seq = numberIn(bytes, start, end, seqName)
        if (Number.isNaN(seq)) return
        if (seen.last > 0 && seq !== seen.last + 1) seen.wrong++
        seen.first ||= seq
        seen.last = seq
      }
      let published = 0
      const run = async (stall: boolean) => {
        latencies = []
        if (stall) stalled.socket.pause()
        const { sent } = await edge.run({ rooms: 1, rate, durationMs })
        published += sent
        const { rssBytes } = await edge.measure()
        const result = {
          p50: quantile(latencies, 0.5),
          p99: quantile(latencies, 0.99),
          missing: sent * readers - latencies.length,
          rssBytes,
        }
        const from = performance.now()
        if (stall) stalled.socket.resume()
        while (seen.last < published + 1 && performance.now() - from < catchUpMsMax) await sleep(10)
        progress(`${stall ? 'stalled' : 'calm'}: p50 ${round(result.p50)} ms, p99 ${round(result.p99)} ms, ${result.rssBytes >> 20} MiB`)
        return { ...result, catchUpMs: performance.now() - from }
      }
      await run(false)
      const calm: Awaited<ReturnType<typeof run>>[] = []
      const stall: typeof calm = []
      for (let i = 0; i < rounds; i++) {
        for (const stalling of i % 2 ? [true, false] : [false, true]) (stalling ? stall : calm).push(await run(stalling))
      }
      const replayed = await edge.metric('roomlog_edge_replayed_events_total')
      const figures = {
        stalledSeconds: round((rounds * durationMs) / 1_000),
        calmP99Ms: round(median(calm.map(({ p99 }) => p99))),
        stalledP99Ms: round(median(stall.map(({ p99 }) => p99))),
        missingOfOthers: [...calm, ...stall].reduce((sum, { missing }) => sum + missing, 0),
        replayedEvents: replayed,
        missingOfSlow: published + 1 - seen.last,
        gapsOfSlow: seen.wrong,
        catchUpMs: round(median(stall.map(({ catchUpMs }) => catchUpMs))),
        memoryMiBBegin: calm[0]!.rssBytes / 1_048_576,
        memoryMiBEnd: stall.at(-1)!.rssBytes / 1_048_576,
      }
      const ratio = median(stall.map(({ p99 }, i) => p99 / calm[i]!.p99))
      return {
        figures,
        ratios: { p99: round(ratio), memory: round(median(stall.map(({ rssBytes }, i) => rssBytes / calm[i]!.rssBytes))) },
        aims: [
          {
            name: 'others',
            aim: 'p99 of the others within 20 % of the rounds without it',
            met: verdict(
              ratio <= 1.2,
              calm.map(({ p99 }) => p99),
            ),
          },
          {
            name: 'memory',
            aim: 'memory within 5 % of the rounds without it',
            met: median(stall.map(({ rssBytes }, i) => rssBytes / calm[i]!.rssBytes)) <= 1.05,
          },
          {
            name: 'everything',
            aim: 'it fell behind and got everything, in order',
            met: replayed > 0 && figures.missingOfSlow === 0 && seen.wrong === 0,
          },
        ],
      }
    } finally {
      edge.stop()
    }
  },
}

const stamp = Buffer.from('"t":')
const seqName = Buffer.from('"seq":')
