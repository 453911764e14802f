/**
 * One campaign: a deployment under load, faults at moments drawn from a seed, then quiet, then the verdict of the checker.
 * What each fault met is counted, so that a clean verdict cannot mean that nothing happened.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Deployment, type Shape, startDeployment } from '../harness/deployment.ts'
import { type Anomaly, check } from './checker.ts'
import { openLogOf, readLog, readProjection } from './evidence.ts'
import type { Logged } from './history.ts'
import { Random } from './random.ts'
import { Workload } from './workload.ts'

/** What goes wrong, by a name for the report; resolves when the fault is over. */
export interface Fault {
  name: string
  inflict(deployment: Deployment): Promise<void>
}

/** Kill -9, and a new process on the same address. */
export const kill = (service: string): Fault => ({
  name: `kill ${service}`,
  inflict: (deployment) => deployment.service(service).restart(),
})

/** SIGSTOP for so long, then SIGCONT. Longer than the session time-out: others take over, and the paused one wakes in a world without it. */
export const pause = (service: string, ms = 12_000): Fault => ({
  name: `pause ${service}`,
  async inflict(deployment) {
    deployment.service(service).pause()
    await sleep(ms)
    deployment.service(service).resume()
  },
})

export interface CampaignOptions {
  shape: Shape
  seed: number
  faults: Fault[]
  clients?: number
  rooms?: number
  rate?: number
  /** Use this broker, or a proxy in front of it. */
  brokers?: string
  /** Load before the first fault, between faults and after the last. */
  spacingMs?: [min: number, max: number]
  quietMsMax?: number
  progress?: (line: string) => void
  env?: Record<string, string>
}

export interface CampaignResult {
  anomalies: Anomaly[]
  counts: { published: number; acknowledged: number; refused: number; unknown: number; delivered: number; kicks: number; faults: number }
  /** From the end of the load until every stream stood at the end of its room. */
  quietMs: number
}

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, faults, spacingMs = [1_000, 4_000], quietMsMax = 30_000, progress = () => {} } = options
  const random = new Random(seed)
  const deployment = await startDeployment(options.shape, {
    partitions: 8,
    ...(options.env ? { env: options.env } : {}),
    ...(options.brokers ? { brokers: options.brokers } : {}),
  })
  let stopped = false
  try {
    const workload = await Workload.start(deployment, {
      clients: options.clients ?? 20,
      rooms: options.rooms ?? 50,
      membersPerRoom: 4,
      rate: options.rate ?? 500,
      seed,
    })
    workload.begin()
    for (const fault of faults) {
      await sleep(random.between(...spacingMs))
      await fault.inflict(deployment)
      progress(`seed ${seed}: ${fault.name}; ${workload.published} published, ${workload.outstanding} outstanding`)
    }
    await sleep(random.between(...spacingMs))
    workload.stop()
    const quietMs = await untilQuiet(deployment, workload, quietMsMax)
    progress(`seed ${seed}: quiet after ${Math.round(quietMs)} ms`)
    const rooms = new Set(workload.rooms)
    const projection = await readProjection(deployment, rooms)
    workload.close()
    if (!deployment.kafka) {
      await deployment.service('roomlog').stop()
      stopped = true
    }
    const { log, later } = await readTwice(deployment, rooms)
    return { anomalies: check({ history: workload.history, log, later, projection }), counts: count(workload, log, faults.length), quietMs }
  } finally {
    if (stopped) await deployment.service('roomlog').stop()
    await deployment.stop()
  }
}

/** Nothing outstanding, and history says of every room what a reader was told last; or the time is up, which the checker will show. */
async function untilQuiet(deployment: Deployment, workload: Workload, msMax: number): Promise<number> {
  const begun = performance.now()
  const deadline = begun + msMax
  let previous = ''
  while (performance.now() < deadline) {
    await sleep(500)
    const last = lastSeqs(workload)
    if (workload.outstanding > 0) continue
    const ends = await readEnds(deployment, workload.rooms).catch(() => undefined)
    if (!ends) continue
    const behind = [...last].filter(([, { room, seq, ended }]) => !ended && seq !== ends.get(room))
    const now = JSON.stringify([...ends])
    if (behind.length === 0 && now === previous) break
    previous = now
  }
  return performance.now() - begun
}

function lastSeqs(workload: Workload): Map<string, { room: string; seq: number; ended: boolean }> {
  const last = new Map<string, { room: string; seq: number; ended: boolean }>()
  for (const entry of workload.history.entries) {
    if (entry.kind === 'subscribed') last.set(entry.stream, { room: entry.room, seq: entry.seq, ended: false })
    if (entry.kind === 'delivered') last.get(entry.stream)!.seq = entry.seq
    if (entry.kind === 'ended') {
      const stream = last.get(entry.stream)
      if (stream) stream.ended = true
    }
  }
  return last
}

async function readEnds(deployment: Deployment, rooms: string[]): Promise<Map<string, number>> {
  const token = await deployment.tokens.service('auditor', ['read', 'admin'])
  const ends = new Map<string, number>()
  for (const room of rooms) {
    const answer = await fetch(`${deployment.urls[0]}/v1/rooms/${room}`, { headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error(`${answer.status}`)
    ends.set(room, ((await answer.json()) as { seq: number }).seq)
  }
  return ends
}

async function readTwice(
  deployment: Deployment,
  rooms: ReadonlySet<string>,
): Promise<{ log: Map<string, Logged[]>; later: Map<string, Logged[]> }> {
  const reader = await openLogOf(deployment)
  try {
    const log = await readLog(reader, rooms)
    await sleep(2_000)
    return { log, later: await readLog(reader, rooms) }
  } finally {
    await reader.close()
  }
}

function count(workload: Workload, log: Map<string, Logged[]>, faults: number): CampaignResult['counts'] {
  const of = (kind: string) => workload.history.entries.filter((entry) => entry.kind === kind).length
  const kicks = [...log.values()].flat().filter((logged) => logged.type === 'member.kick').length
  return {
    published: workload.published,
    acknowledged: of('ok'),
    refused: of('refused'),
    unknown: of('unknown'),
    delivered: of('delivered'),
    kicks,
    faults,
  }
}
