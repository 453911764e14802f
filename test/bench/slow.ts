/**
 * One client of a thousand stops reading for a minute: the others do not notice, and it misses nothing.
 *
 * Method. The edge as its module makes it, on the memory log, on one core; raw TCP clients in another process; one room of 1,000 sockets,
 * 30 events of 2 KiB a second. One further client follows that room and nineteen more with as much talk each, so that it falls behind
 * within seconds, past what the kernel holds for it (proven by the edge's count of replayed events). Rounds alternate: in every
 * other one it has stopped reading; at the end of such a round it reads again, and must get everything, in order. Latencies are
 * those of the thousand. Memory: what the process grows by in a round, after a collection; in both kinds of round the log of this
 * benchmark, which is in memory, grows with it.
 * Baseline: the rounds in which everybody reads. ROOMLOG_BENCH_SCALE (default 1) scales the duration of a round (15 s; four of each
 * are a minute of standstill).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Benchmark, median, quantile, round, verdict } from './report.ts'
import { generatorCore, pin, ServedSide } from './served.ts'
import { type LoadSocket, numberIn } from './wire.ts'

const readers = 1_000
const rooms = 20
const rate = 30 * rooms
const rounds = 4
const durationMs = 15_000 * Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
const catchUpMsMax = 30_000

export const benchmark: Benchmark = {
  name: 'slow',
  about: '1 client of 1,000 that stops reading: the others’ p99 with and without it, the edge’s memory, and what it gets afterwards',
  async run(progress) {
    pin(process.pid, generatorCore)
    const edge = await ServedSide.start('edge', rooms, { BODY_BYTES: '2000' })
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
      for (let room = 1; room < rooms; room++) await stalled.request({ op: 'subscribe', room: `room-${room}` })
      const seen = { last: new Map<number, number>(), events: 0, wrong: 0 }
      stalled.onFrame = (bytes, start, end) => {
        const seq = numberIn(bytes, start, end, seqName)
        if (Number.isNaN(numberIn(bytes, start, end, stamp))) return
        const room = numberIn(bytes, start, end, roomName)
        const last = seen.last.get(room)
        if (last !== undefined && seq !== last + 1) seen.wrong++
        seen.last.set(room, seq)
        seen.events++
      }
      let published = 0
      const run = async (stall: boolean) => {
        latencies = []
        const before = (await edge.measure()).rssBytes
        if (stall) stalled.socket.pause()
        const { sent } = await edge.run({ rooms, rate, durationMs })
        published += sent
        const { rssBytes } = await edge.measure()
        const result = {
          p50: quantile(latencies, 0.5),
          p99: quantile(latencies, 0.99),
          missing: Math.ceil(sent / rooms) * readers - latencies.length,
          grownMiB: (rssBytes - before) / 1_048_576,
        }
        const from = performance.now()
        if (stall) stalled.socket.resume()
        while (seen.events < published && performance.now() - from < catchUpMsMax) await sleep(10)
        progress(
          `${stall ? 'stalled' : 'calm'}: p50 ${round(result.p50)} ms, p99 ${round(result.p99)} ms, ${round(result.grownMiB, 1)} MiB grown`,
        )
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
        missingOfSlow: published - seen.events,
        gapsOfSlow: seen.wrong,
        catchUpMs: round(median(stall.map(({ catchUpMs }) => catchUpMs))),
        calmGrownMiB: round(median(calm.map(({ grownMiB }) => grownMiB))),
        stalledGrownMiB: round(median(stall.map(({ grownMiB }) => grownMiB))),
      }
      const ratio = median(stall.map(({ p99 }, i) => p99 / calm[i]!.p99))
      return {
        figures,
        ratios: { p99: round(ratio) },
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
            aim: 'memory grows by no more than 8 MiB over what it grows by without it',
            met: figures.stalledGrownMiB <= figures.calmGrownMiB + 8,
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
const roomName = Buffer.from('"room":"room-')
