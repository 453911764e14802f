/**
 * `npm run faults [-- <name>]`: the long campaigns. Each prints its seed; ROOMLOG_SEED repeats one.
 */
import { campaign, type Fault, kill, pause } from './campaign.ts'
import { Random, seedFromEnvironment } from './random.ts'
import { stalledSockets } from './stalled.ts'

const seed = seedFromEnvironment()
const progress = (line: string) => void process.stdout.write(`${line}\n`)

/** Each fault ten times, in an order drawn from the seed. */
function tenTimes(faults: Fault[]): Fault[] {
  const random = new Random(seed)
  return faults
    .flatMap((fault) => Array.from({ length: 10 }, () => [random.next(), fault] as const))
    .sort(([a], [b]) => a - b)
    .map(([, fault]) => fault)
}

const campaigns: Record<string, () => Promise<boolean>> = {
  cluster: () =>
    judged(campaign({ shape: 'cluster', seed, faults: tenTimes(['acl-1', 'ingest', 'persistence', 'edge-1'].map(kill)), progress })),
  embedded: () => judged(campaign({ shape: 'embedded', seed, faults: tenTimes([kill('roomlog')]), progress })),
  paused: () => judged(campaign({ shape: 'cluster', seed, faults: tenTimes([pause('acl-1'), pause('acl-2')]).slice(0, 6), progress })),
  stalled: () => stalledSockets(progress),
}

async function judged(run: ReturnType<typeof campaign>): Promise<boolean> {
  const { anomalies, counts, quietMs } = await run
  process.stdout.write(`${JSON.stringify({ seed, counts, quietMs: Math.round(quietMs), anomalies: anomalies.length })}\n`)
  for (const anomaly of anomalies.slice(0, 50)) process.stdout.write(`${anomaly.rule} ${anomaly.what}\n`)
  return anomalies.length === 0 && quietMs < 30_000
}

const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (name in campaigns) continue
  process.stderr.write(`no campaign ${name}; there are ${Object.keys(campaigns).join(', ')}\n`)
  process.exit(2)
}
let clean = true
for (const name of wanted.length > 0 ? wanted : Object.keys(campaigns)) {
  progress(`${name} (seed ${seed})`)
  clean = (await campaigns[name]!()) && clean
}
process.exit(clean ? 0 : 1)
