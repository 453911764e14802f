/** `npm run bench` lists the benchmarks; `npm run bench -- <name> [--json]` runs one. */
import type { Benchmark, Report } from './report.ts'

const benchmarks: Record<string, () => Promise<{ benchmark: Benchmark }>> = {
  pipeline: () => import('./pipeline.ts'),
  import: () => import('./import.ts'),
  takeover: () => import('./takeover.ts'),
  fanout: () => import('./fanout.ts'),
  connections: () => import('./connections.ts'),
  slow: () => import('./slow.ts'),
  partitions: () => import('./partitions.ts'),
  replay: () => import('./replay.ts'),
  jitter: () => import('./jitter.ts'),
  rolling: () => import('./rolling.ts'),
  avalanche: () => import('./avalanche.ts'),
}

const [name, ...flags] = process.argv.slice(2)
const json = flags.includes('--json')

if (!name || !(name in benchmarks)) {
  if (name) process.stderr.write(`no benchmark ${name}\n`)
  for (const load of Object.values(benchmarks)) {
    const { benchmark } = await load()
    process.stdout.write(`${benchmark.name.padEnd(12)} ${benchmark.about}\n`)
  }
  process.exit(name ? 2 : 0)
}

const { benchmark } = await benchmarks[name]!()
const report: Report = { name, ...(await benchmark.run((line) => process.stderr.write(`${line}\n`))) }
if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
else {
  for (const [figure, value] of Object.entries(report.figures)) process.stdout.write(`${figure.padEnd(48)} ${value}\n`)
  for (const [ratio, value] of Object.entries(report.ratios)) process.stdout.write(`${ratio.padEnd(48)} ${value} × baseline\n`)
  for (const aim of report.aims)
    process.stdout.write(`${aim.met === null ? 'no verdict' : aim.met ? 'met' : 'missed'}  ${aim.name}: ${aim.aim}\n`)
}
process.exit(0)
