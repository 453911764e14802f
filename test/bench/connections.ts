/**
 * What an idle connection costs: 10,000 authenticated sockets on one edge, each with its inbox and one room.
 *
 * Method. The edge as its module makes it, on the memory log, on one core; raw TCP clients in another process. Memory of the process:
 * resident bytes after collections, with all sockets less with the first hundred (so that code and start-up are in neither), by
 * the sockets in between; heap and external memory beside it. Kernel memory is apart: socket buffers of both ends as
 * /proc/net/sockstat counts them, and the growth of the slab, by sockets. Idle CPU: the process's CPU by time, over
 * a window that holds at least one round of pings to everybody (25 s), after everything has settled.
 * No baseline: the aims are absolute. ROOMLOG_BENCH_SOCKETS (default 10,000) makes it smaller; it is a figure of the report.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Benchmark, round } from './report.ts'
import { generatorCore, pin, ServedSide } from './served.ts'

const sockets = Number(process.env.ROOMLOG_BENCH_SOCKETS ?? 10_000)
const warm = 100
const rooms = 200
const idleMs = 30_000
const settleMs = 5_000

export const benchmark: Benchmark = {
  name: 'connections',
  about: '10,000 authenticated sockets, each with its inbox and one room: bytes each, kernel memory apart, CPU when idle',
  async run(progress) {
    raiseFiles(process.pid)
    pin(process.pid, generatorCore)
    const edge = await ServedSide.start('edge', rooms)
    try {
      await edge.enter(warm, rooms)
      await sleep(settleMs)
      const before = { ...(await edge.measure()), kernel: kernelMemory() }
      const from = performance.now()
      await edge.enter(sockets - warm, rooms)
      const connectMs = performance.now() - from
      progress(`${sockets} sockets after ${Math.round(connectMs)} ms`)
      await sleep(settleMs)
      const after = { ...(await edge.measure()), kernel: kernelMemory() }
      const cpuUs = await edge.cpuUs()
      await sleep(idleMs)
      const idleUs = (await edge.cpuUs()) - cpuUs
      const each = (bytes: number) => round(bytes / (sockets - warm) / 1_024, 2)
      const figures = {
        sockets,
        closed: edge.sockets.filter(({ closed }) => closed).length,
        residentKiBEach: each(after.rssBytes - before.rssBytes),
        heapKiBEach: each(after.heapBytes - before.heapBytes),
        externalKiBEach: each(after.externalBytes - before.externalBytes),
        kernelBuffersKiBEach: each(after.kernel.tcp - before.kernel.tcp),
        kernelSlabKiBEach: each(after.kernel.slab - before.kernel.slab),
        idleCpuPercent: round((idleUs / 1_000 / idleMs) * 100, 2),
        connectsPerSecond: round((sockets - warm) / (connectMs / 1_000), 0),
      }
      return {
        figures,
        ratios: {},
        aims: [
          { name: 'memory', aim: 'at most 20 KiB of the process each', met: figures.closed === 0 && figures.residentKiBEach <= 20 },
          { name: 'idle', aim: 'idle CPU below 3 % of a core', met: figures.idleCpuPercent < 3 },
        ],
      }
    } finally {
      edge.stop()
    }
  },
}

/** Buffers of TCP sockets in bytes, and the kernel's slab: of the whole machine, both ends of each connection. */
function kernelMemory(): { tcp: number; slab: number } {
  const pages = Number(/^TCP: .* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1] ?? Number.NaN)
  const slabKiB = Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? Number.NaN)
  return { tcp: pages * 4_096, slab: slabKiB * 1_024 }
}

/** As many open files as the sockets need; processes that are started from here inherit it. */
function raiseFiles(pid: number): void {
  const files = sockets + 2_000
  try {
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:${files}`], { stdio: 'ignore' })
  } catch {}
}
