/**
 * Are the topics what the log needs them to be? An acknowledgement rests on replicas (three, two in step) or on a
 * flush: on a single broker without one, a power loss takes what was acknowledged (measured: 30 of 30 records).
 */
import { type Admin, ConfigResourceTypes } from '@platformatic/kafka'
import type { TopicSpec } from '@roomlog/protocol'
import { bounds } from '../bounds.js'
import type { Finding, TopicReport } from '../port.js'
import { unavailable } from './failure.js'
import type { KnownTopic } from './topology.js'

export const replicasMin = 3
export const inStepMin = 2
/** Room for the framing of a batch of `appendBytesMax`. */
export const messageBytesMin = bounds.appendBytesMax + 40_000

export interface Deployed {
  spec: TopicSpec
  /** Kafka's name. */
  name: string
  partitions: number
  topic: KnownTopic
  configs: ReadonlyMap<string, string>
}

export function reportOf(deployed: Deployed, broker: string): TopicReport {
  const replicas = Math.min(...deployed.topic.partitions.map((partition) => partition.replicas.length))
  return {
    topic: deployed.name,
    exists: true,
    partitions: deployed.topic.partitions.length,
    replicas,
    findings: [...formOf(deployed, broker), ...durabilityOf(deployed, replicas, broker)],
  }
}

export function missing(name: string): TopicReport {
  return { topic: name, exists: false, partitions: 0, replicas: 0, findings: [] }
}

/** Kafka's settings of topics, by Kafka's names. @throws RoomlogError `unavailable`. */
export async function configsOf(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  if (names.length === 0) return new Map()
  try {
    const resources = names.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName }))
    const described = await admin.describeConfigs({ resources: resources as never })
    return new Map(
      described.map(({ resourceName, configs }) => [resourceName, new Map(configs.map(({ name, value }) => [name, value ?? '']))]),
    )
  } catch (error) {
    throw unavailable('The settings of the topics cannot be read', error)
  }
}

/** What nothing may run on, whatever the durability is. */
function formOf({ spec, name, partitions, topic, configs }: Deployed, broker: string): Finding[] {
  const findings: Finding[] = []
  const broken = (what: string, fix: string) => findings.push({ kind: 'broken', what, fix })
  const found = topic.partitions.length
  if (found !== partitions)
    broken(
      `has ${found} partitions, not ${partitions}`,
      spec.partitions === 'P'
        ? `set ROOMLOG_PARTITIONS=${found} if every topic has ${found}: the number is fixed at creation`
        : `create it with ${partitions} partitions`,
    )
  const compacted = (configs.get('cleanup.policy') ?? 'delete').includes('compact')
  if (spec.append && compacted) broken('is compacted: offsets would not be dense', set(broker, name, 'cleanup.policy', 'delete'))
  if (spec.appendTime && configs.get('message.timestamp.type') !== 'LogAppendTime')
    broken("keeps the sender's time, not the broker's", set(broker, name, 'message.timestamp.type', 'LogAppendTime'))
  if (Number(configs.get('max.message.bytes') ?? messageBytesMin) < messageBytesMin)
    broken(`takes no batch of ${messageBytesMin} bytes`, set(broker, name, 'max.message.bytes', String(1_048_588)))
  return findings
}

/** What may lose acknowledged records. */
function durabilityOf({ spec, name, configs }: Deployed, replicas: number, broker: string): Finding[] {
  const findings: Finding[] = []
  const risk = (what: string, fix: string) => findings.push({ kind: 'risk', what, fix })
  const setting = (key: string, wanted: string, what: string) => {
    if (configs.get(key) !== wanted) risk(what, set(broker, name, key, wanted))
  }
  if (spec.append) {
    setting('retention.ms', '-1', `forgets events after ${configs.get('retention.ms')} ms`)
    setting('retention.bytes', '-1', `forgets events beyond ${configs.get('retention.bytes')} bytes`)
  }
  if (spec.compacted && configs.get('cleanup.policy') !== 'compact')
    risk(`is not only compacted (cleanup.policy=${configs.get('cleanup.policy')})`, set(broker, name, 'cleanup.policy', 'compact'))
  if (!spec.durable) return findings
  if (configs.get('unclean.leader.election.enable') === 'true')
    risk('may elect a leader that lacks acknowledged records', set(broker, name, 'unclean.leader.election.enable', 'false'))
  if (configs.get('flush.messages') === '1') return findings
  const inStep = Number(configs.get('min.insync.replicas') ?? 1)
  if (replicas >= replicasMin && inStep >= inStepMin) return findings
  if (replicas >= replicasMin)
    risk(`acknowledges with ${inStep} of ${replicas} replicas`, set(broker, name, 'min.insync.replicas', String(inStepMin)))
  else
    risk(
      `has ${replicas} ${replicas === 1 ? 'copy' : 'copies'} and no flush: a power loss takes what was acknowledged`,
      `${set(broker, name, 'flush.messages', '1')}, or ${replicasMin} replicas with min.insync.replicas=${inStepMin}`,
    )
  return findings
}

function set(broker: string, name: string, key: string, value: string): string {
  return `kafka-configs.sh --bootstrap-server ${broker} --alter --entity-type topics --entity-name ${name} --add-config ${key}=${value}`
}
