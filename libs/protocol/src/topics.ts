/**
 * The topics, and which of them are append topics (compare-and-append, one writer a partition).
 */
export const families = ['room', 'user'] as const
/** Rooms, or inboxes (`@<user>`): the same code over two sets of topics. */
export type Family = (typeof families)[number]

export function familyOf(room: string): Family {
  return room.startsWith('@') ? 'user' : 'room'
}

export const commandsTopic = (family: Family) => `${family}.commands`
export const eventsTopic = (family: Family) => `${family}.events`
export const stateTopic = (family: Family) => `${family}.state`

export interface TopicSpec {
  name: string
  /** `P` = the deployment's number of partitions. */
  partitions: 'P' | number
  /** Written with `append` only; a record counts only where it stands at its header `offset`. */
  append: boolean
  /** An acknowledgement rests on it: `strict` durability demands replicas or a flush. */
  durable: boolean
  compacted: boolean
  /** -1 = for ever. */
  retentionMs: number
  /** Broker's append time instead of the producer's. */
  appendTime: boolean
}

const day = 86_400_000
const tenMinutes = 600_000

const topic = (name: string, spec: Partial<TopicSpec>): TopicSpec => ({
  name,
  partitions: 'P',
  append: false,
  durable: false,
  compacted: false,
  retentionMs: -1,
  appendTime: false,
  ...spec,
})

export const topics: readonly TopicSpec[] = [
  topic('ingest.events', { durable: true, retentionMs: 7 * day, appendTime: true }),
  topic('ingest.dead', { durable: true, retentionMs: 30 * day }),
  topic('ingest.events.reply', { retentionMs: tenMinutes }),
  ...families.flatMap((family) => [
    topic(commandsTopic(family), { durable: true, retentionMs: 7 * day, appendTime: true }),
    topic(eventsTopic(family), { append: true, durable: true }),
    topic(stateTopic(family), { durable: true, compacted: true }),
  ]),
  topic('room.replies', { retentionMs: tenMinutes }),
  topic('room.ephemeral', { retentionMs: tenMinutes }),
  topic('edge.nodes', { partitions: 1, compacted: true }),
]

const appendTopics = new Set(topics.filter((spec) => spec.append).map((spec) => spec.name))
export const isAppendTopic = (name: string) => appendTopics.has(name)
