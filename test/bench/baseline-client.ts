/**
 * The least that two hops over Kafka cost: the client library alone, groupless fetch and acks=all, no rules, no order,
 * no checks. What waits while a produce is in flight goes out together, as in the product.
 */
import { Consumer, ProduceAcks, Producer } from '@platformatic/kafka'

export interface BareClient {
  produce(topic: string, partition: number, values: Buffer[]): void
  follow(topic: string, onValues: (partition: number, values: Buffer[]) => void): Promise<void>
  close(): Promise<void>
}

export async function bareClient(brokers: string[], partitions: number): Promise<BareClient> {
  const producer = new Producer({ clientId: 'bare', bootstrapBrokers: brokers, idempotent: true, acks: ProduceAcks.ALL, retries: 0 })
  const consumer = new Consumer({ clientId: 'bare', groupId: 'bare', bootstrapBrokers: brokers, retries: 0 })
  const waiting = new Map<string, { topic: string; partition: number; values: Buffer[]; busy: boolean }>()
  let closed = false

  function flush(lane: { topic: string; partition: number; values: Buffer[]; busy: boolean }): void {
    if (lane.busy || lane.values.length === 0) return
    const values = lane.values
    lane.values = []
    lane.busy = true
    producer
      .send({ messages: values.map((value) => ({ topic: lane.topic, partition: lane.partition, value })), acks: ProduceAcks.ALL })
      .then(() => {
        lane.busy = false
        flush(lane)
      })
      .catch((error) => {
        if (!closed) throw error
      })
  }

  return {
    produce(topic, partition, values) {
      const key = `${topic}/${partition}`
      const lane = waiting.get(key) ?? { topic, partition, values: [], busy: false }
      waiting.set(key, lane)
      lane.values.push(...values)
      flush(lane)
    },
    async follow(topic, onValues) {
      const metadata = await consumer.metadata({ topics: [topic] })
      const known = metadata.topics.get(topic)!
      const node = known.partitions[0]!.leader
      const offsets = new Array<bigint>(partitions).fill(0n)
      const poll = async () => {
        while (!closed) {
          const answer = await consumer.fetch({
            node,
            topics: [
              {
                topicId: known.id,
                partitions: offsets.map((fetchOffset, partition) => ({
                  partition,
                  fetchOffset,
                  currentLeaderEpoch: -1,
                  lastFetchedEpoch: -1,
                  partitionMaxBytes: 1_048_576,
                })),
              },
            ],
            minBytes: 1,
            maxBytes: 8_388_608,
            maxWaitTime: 500,
          })
          for (const { partitions } of answer.responses) {
            for (const { partitionIndex, records } of partitions) {
              for (const batch of records ?? []) {
                const values: Buffer[] = []
                for (const record of batch.records) {
                  const offset = batch.firstOffset + BigInt(record.offsetDelta)
                  if (offset < offsets[partitionIndex]!) continue
                  offsets[partitionIndex] = offset + 1n
                  values.push(record.value as Buffer)
                }
                if (values.length > 0) onValues(partitionIndex, values)
              }
            }
          }
        }
      }
      poll().catch((error) => {
        if (!closed) throw error
      })
    },
    async close() {
      closed = true
      await Promise.allSettled([producer.close(), consumer.close(true)])
    },
  }
}
