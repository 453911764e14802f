/** Creates the topics that are missing, as durable as the cluster allows, and refuses a log that could lose events. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Admin } from '@platformatic/kafka'
import type { TopicSpec } from '@roomlog/protocol'
import { RoomlogError } from '../failure.js'
import type { Preparation, TopicReport } from '../port.js'
import { kafkaCodes, unavailable } from './failure.js'
import { configsOf, inStepMin, messageBytesMin, missing, replicasMin, reportOf } from './inspect.js'
import type { KnownTopic, Topology } from './topology.js'

export interface Preparing {
  admin: Admin
  topology: Topology
  /** P. */
  partitions: number
  /** `host:port`, for the commands that findings name. */
  broker: string
}

/** How long new topics may take until each partition has a leader. */
const leadersMsMax = 30_000
const hour = 3_600_000

export async function prepare(preparing: Preparing, specs: readonly TopicSpec[], durability: 'strict' | 'relaxed'): Promise<Preparation> {
  const absent: TopicSpec[] = []
  for (const spec of specs) if (!(await find(preparing.topology, spec.name))) absent.push(spec)
  if (absent.length > 0) {
    const replicas = await replicasFor(preparing.topology, durability)
    for (const spec of absent) await create(preparing, spec, replicas)
  }
  await leaders(preparing.topology, specs)
  const reports = await inspect(preparing, specs)
  const broken = lines(reports, 'broken')
  if (broken.length > 0) throw new RoomlogError('invalid', `Topics are not as the log needs them:\n${broken.join('\n')}`)
  const risks = lines(reports, 'risk')
  if (durability === 'strict' && risks.length > 0) {
    throw new RoomlogError(
      'not_durable',
      `This log could lose acknowledged events (ROOMLOG_DURABILITY=relaxed runs on it all the same):\n${risks.join('\n')}`,
    )
  }
  return { created: absent.map((spec) => spec.name), risks }
}

export async function inspect({ admin, topology, partitions, broker }: Preparing, specs: readonly TopicSpec[]): Promise<TopicReport[]> {
  await topology.refresh()
  const found = new Map<string, KnownTopic>()
  for (const spec of specs) {
    const topic = await find(topology, spec.name)
    if (topic) found.set(spec.name, topic)
  }
  const configs = await configsOf(
    admin,
    [...found.keys()].map((name) => topology.physical(name)),
  )
  return specs.map((spec) => {
    const name = topology.physical(spec.name)
    const topic = found.get(spec.name)
    if (!topic) return missing(name)
    return reportOf(
      { spec, name, topic, partitions: spec.partitions === 'P' ? partitions : spec.partitions, configs: configs.get(name) ?? new Map() },
      broker,
    )
  })
}

/** Two brokers are a larger cluster that is not whole: a topic made now would have one copy for ever. */
async function replicasFor(topology: Topology, durability: 'strict' | 'relaxed'): Promise<number> {
  const brokers = await topology.size()
  if (brokers >= replicasMin) return replicasMin
  if (brokers === 1 || durability === 'relaxed') return 1
  throw new RoomlogError('unavailable', `${brokers} brokers are up: topics are created on one (with a flush) or on ${replicasMin} and more`)
}

async function create({ admin, topology, partitions }: Preparing, spec: TopicSpec, replicas: number): Promise<void> {
  const configs = Object.entries(settingsOf(spec, replicas)).map(([name, value]) => ({ name, value: String(value) }))
  try {
    await admin.createTopics({
      topics: [topology.physical(spec.name)],
      partitions: spec.partitions === 'P' ? partitions : spec.partitions,
      replicas,
      configs,
    })
  } catch (error) {
    if (kafkaCodes(error).has('TOPIC_ALREADY_EXISTS')) return
    throw unavailable(`Topic ${spec.name} cannot be created`, error)
  }
}

/** The settings that a new topic gets. */
export function settingsOf(spec: TopicSpec, replicas: number): Record<string, string | number> {
  const short = spec.retentionMs > 0 && spec.retentionMs <= hour
  return {
    'cleanup.policy': spec.compacted ? 'compact' : 'delete',
    ...(spec.compacted ? {} : { 'retention.ms': spec.retentionMs, 'retention.bytes': -1 }),
    // What is deleted is whole segments, so those of short-lived topics must be short-lived too.
    ...(short ? { 'segment.ms': Math.ceil(spec.retentionMs / 2), 'segment.bytes': 67_108_864 } : {}),
    'message.timestamp.type': spec.appendTime ? 'LogAppendTime' : 'CreateTime',
    'max.message.bytes': Math.max(messageBytesMin, 1_048_588),
    'unclean.leader.election.enable': 'false',
    ...(replicas >= replicasMin ? { 'min.insync.replicas': inStepMin } : {}),
    ...(replicas < replicasMin && spec.durable ? { 'flush.messages': 1 } : {}),
  }
}

/** A topic just created has no leaders for a moment, and its readers and writers would fail. */
async function leaders(topology: Topology, specs: readonly TopicSpec[]): Promise<void> {
  const deadline = Date.now() + leadersMsMax
  for (const spec of specs) {
    for (;;) {
      const topic = await find(topology, spec.name)
      if (topic && topic.partitions.length > 0 && topic.partitions.every(({ leader }) => leader >= 0)) break
      if (Date.now() > deadline) throw new RoomlogError('unavailable', `${spec.name} has partitions without a leader`)
      await delay(50)
      await topology.refresh()
    }
  }
}

async function find(topology: Topology, name: string): Promise<KnownTopic | undefined> {
  try {
    return await topology.topic(name)
  } catch (error) {
    if (/^there is no topic/.test((error as Error).message)) return undefined
    throw error
  }
}

function lines(reports: TopicReport[], kind: 'broken' | 'risk'): string[] {
  return reports.flatMap(({ topic, findings }) =>
    findings.filter((finding) => finding.kind === kind).map(({ what, fix }) => `${topic} ${what} — ${fix}`),
  )
}
