/**
 * An open-loop load: sends at a fixed rate whatever the answers do, and notes each latency.
 * The generator says how busy it was itself, so that it cannot pass for the thing measured.
 */
import { performance } from 'node:perf_hooks'
import { quantile, round } from './report.ts'

export interface LoadResult {
  sent: number
  received: number
  p50: number
  p99: number
  /** Share of the time in which the generator's own event loop was busy; above 0.9 the figures are the generator's. */
  generatorBusy: number
}

const tickMs = 5
const settleMsMax = 10_000

/** `send(i)` starts operation i; the caller calls `arrived(i)` when it is over. */
export async function openLoop(
  rate: number,
  durationMs: number,
  begin: (arrived: (i: number) => void) => (i: number) => void,
): Promise<LoadResult> {
  const startedAt: number[] = []
  const latencies: number[] = []
  const send = begin((i) => {
    const started = startedAt[i]
    if (started !== undefined) latencies.push(performance.now() - started)
  })
  const before = performance.eventLoopUtilization()
  const begun = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = Math.min(performance.now() - begun, durationMs)
      const due = Math.floor((elapsed * rate) / 1_000)
      for (; sent < due; sent++) {
        startedAt[sent] = performance.now()
        send(sent)
      }
      if (elapsed >= durationMs) {
        clearInterval(timer)
        resolve()
      }
    }, tickMs)
  })
  const busy = performance.eventLoopUtilization(before).utilization
  const deadline = performance.now() + settleMsMax
  while (latencies.length < sent && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  return {
    sent,
    received: latencies.length,
    p50: round(quantile(latencies, 0.5)),
    p99: round(quantile(latencies, 0.99)),
    generatorBusy: round(busy),
  }
}
