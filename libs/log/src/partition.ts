/**
 * Key → partition, as Java's, kafkajs's and librdkafka's `murmur2_random` partitioners do it.
 * Source: Kafka `org.apache.kafka.common.utils.Utils.murmur2` (seed 0x9747b28c).
 */
const m = 0x5bd1e995

export function murmur2(data: Uint8Array): number {
  const length = data.length
  let h = 0x9747b28c ^ length
  const words = length >> 2
  for (let word = 0; word < words; word++) {
    const i = word << 2
    let k = (data[i]! & 0xff) | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const tail = words << 2
  const left = length & 3
  if (left === 3) h ^= data[tail + 2]! << 16
  if (left >= 2) h ^= data[tail + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ data[tail]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/** The partition of a room (or any other key) among `partitions`. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions
}
