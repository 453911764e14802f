/**
 * Fan-out: what one delivery costs the edge, and how long it takes.
 *
 * Method. Two server processes on the same core (taskset), the generator on the other one: the edge as its module makes it, and a bare
 * `ws` server without compression that builds one buffer an event and calls `send()` in a loop. Same Node, same bytes on the wire, same
 * schedule of events, same clients. Rounds alternate; while one side runs the other idles. Quoted are medians and the median of
 * the ratios of neighbouring rounds.
 * CPU per delivery: the server's user and system time over the round, through the last delivery, by deliveries counted at the clients.
 * The edge side does without network fetches: its records come through the log port's memory implementation, written in the
 * same process; that append is measured alone before (`appendUs`), is no work of an edge, and is taken off. Nothing is taken off its latency.
 * Latency: from the tick at which the event's bytes come into the server process (its monotonic clock, in the event's content; one
 * tick's events are stamped before the first of them is sent, so that nobody's queue is left out) until the chunk that holds the frame
 * is read by the client process (same clock). Every socket counts.
 * Server and generator ask for a higher priority than the rest of the machine, so that a busy neighbour is not what is measured.
 * The generator counts frames on raw TCP sockets, says how busy it was (its CPU by time), and looks at its sockets once a millisecond:
 * if it slept until the next byte, every write of a server would pay for waking up the other core, which on a real network is no
 * work of a server, and would hide the difference. It adds up to a millisecond to every latency, on both sides.
 *
 * ROOMLOG_BENCH_SCALE (default 1) scales the duration of a round.
 */
import { performance } from 'node:perf_hooks'
import { type Benchmark, median, quantile, round, verdict } from './report.ts'
import { generatorCore, pin, ServedSide } from './served.ts'
import { numberIn } from './wire.ts'

const shapes = [
  { name: 'large', rooms: 1, perRoom: 1_000, rate: 30 },
  { name: 'small', rooms: 100, perRoom: 10, rate: 3_000 },
]
const rounds = 6
const durationMs = 4_000 * Number(process.env.ROOMLOG_BENCH_SCALE ?? 1)
const lookEveryMs = 1

interface Round {
  usPerDelivery: number
  p50Ms: number
  p99Ms: number
  missing: number
  generatorBusy: number
  serverBusy: number
}

export const benchmark: Benchmark = {
  name: 'fanout',
  about: '1 room × 1,000 sockets and 100 rooms × 10: CPU per delivery and latency, against a bare ws server on the same core',
  async run(progress) {
    const figures: Record<string, number> = {}
    const ratios: Record<string, number> = {}
    const bareOf: Record<string, Round[]> = {}
    const pinned = pin(process.pid, generatorCore)
    figures.pinned = pinned ? 1 : 0
    for (const shape of shapes) {
      const sides = { edge: await Side.start('edge', shape), bare: await Side.start('bare', shape) }
      const runs = { edge: [] as Round[], bare: [] as Round[] }
      try {
        for (const side of ['edge', 'bare'] as const) await sides[side].round(shape, durationMs / 2)
        for (let i = 0; i < rounds; i++) {
          for (const side of i % 2 ? (['bare', 'edge'] as const) : (['edge', 'bare'] as const)) {
            const result = await sides[side].round(shape, durationMs)
            runs[side].push(result)
            progress(`${shape.name} ${side}: ${JSON.stringify(result)}`)
          }
        }
        figures[`${shape.name}.edge.appendUs`] = round(sides.edge.appendUs)
      } finally {
        for (const side of Object.values(sides)) side.stop()
      }
      for (const side of ['edge', 'bare'] as const) {
        for (const figure of ['usPerDelivery', 'p50Ms', 'p99Ms', 'generatorBusy', 'serverBusy'] as const)
          figures[`${shape.name}.${side}.${figure}`] = round(median(runs[side].map((run) => run[figure])))
        figures[`${shape.name}.${side}.missing`] = runs[side].reduce((sum, run) => sum + run.missing, 0)
      }
      for (const figure of ['usPerDelivery', 'p50Ms', 'p99Ms'] as const)
        ratios[`${shape.name}.${figure}`] = round(median(runs.edge.map((run, i) => run[figure] / runs.bare[i]![figure])))
      bareOf[shape.name] = runs.bare
    }
    const judged = (name: string, figure: 'usPerDelivery' | 'p99Ms', max: number, aim: string) => ({
      name: `${name} ${figure}`,
      aim,
      met: verdict(
        ratios[`${name}.${figure}`]! <= max,
        bareOf[name]!.map((run) => run[figure]),
      ),
    })
    return {
      figures,
      ratios,
      aims: [
        judged('large', 'usPerDelivery', 0.85, 'CPU per delivery at 1,000 sockets at most 0.85 × bare ws'),
        judged('small', 'usPerDelivery', 1.1, 'CPU per delivery in rooms of ten at most 1.1 × bare ws'),
        judged('large', 'p99Ms', 1, 'p99 at 1,000 sockets at most that of bare ws'),
        judged('small', 'p99Ms', 1, 'p99 in rooms of ten at most that of bare ws'),
      ],
    }
  },
}

/** One server with its clients, in one shape. */
class Side {
  appendUs = 0
  private readonly served: ServedSide
  private received = 0
  private latencies: number[] = []

  private constructor(served: ServedSide) {
    this.served = served
    for (const socket of served.sockets) socket.onFrame = (bytes, start, end, at) => this.take(bytes, start, end, at)
  }

  static async start(name: 'edge' | 'bare', { rooms, perRoom }: (typeof shapes)[number]): Promise<Side> {
    const served = await ServedSide.start(name, rooms)
    if (name === 'edge') await served.enter(rooms * perRoom, rooms)
    else await served.enterBare(rooms * perRoom, rooms)
    return new Side(served)
  }

  async round({ rooms, perRoom, rate }: (typeof shapes)[number], ms: number): Promise<Round> {
    this.received = 0
    this.latencies = []
    const begun = performance.now()
    const [pacing, cpu] = [pace(), process.cpuUsage()]
    const done = await this.served.run({ rooms, rate, durationMs: ms })
    pacing.stop()
    const { user, system } = process.cpuUsage(cpu)
    const deliveries = done.sent * perRoom
    this.appendUs = done.appendUs
    return {
      usPerDelivery: round((done.cpuUs - done.sent * done.appendUs) / deliveries),
      p50Ms: round(quantile(this.latencies, 0.5)),
      p99Ms: round(quantile(this.latencies, 0.99)),
      missing: deliveries - this.received,
      generatorBusy: round((user + system) / 1_000 / (performance.now() - begun)),
      serverBusy: round(done.busy),
    }
  }

  stop(): void {
    this.served.stop()
  }

  private take(bytes: Buffer, start: number, end: number, at: number): void {
    const sentAt = numberIn(bytes, start, end, stamp)
    if (Number.isNaN(sentAt)) return
    this.received++
    this.latencies.push((at - sentAt) / 1e6)
  }
}

const stamp = Buffer.from('"t":')

/** Keeps the generator from waiting in the kernel for the next byte: it looks once a millisecond. */
function pace(): { stop(): void } {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let going = true
  const look = () => {
    Atomics.wait(cell, 0, 0, lookEveryMs)
    if (going) setImmediate(look)
  }
  setImmediate(look)
  return {
    stop() {
      going = false
    },
  }
}
