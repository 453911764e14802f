import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { murmur2, partitionOf } from './partition.js'

const { DefaultPartitioner } = createRequire(import.meta.url)('kafkajs').Partitioners as {
  DefaultPartitioner: () => (choice: {
    topic: string
    partitionMetadata: { partitionId: number; leader: number }[]
    message: { key: string; value: string }
  }) => number
}

it("is the partition that kafkajs's partitioner chooses, for any text as a key", () => {
  const choose = DefaultPartitioner()
  const same = (key: string, partitions: number) => {
    const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 0 }))
    expect(partitionOf(key, partitions)).toBe(choose({ topic: 'room.events', partitionMetadata, message: { key, value: '' } }))
  }
  for (const key of ['a', 'room', '@anna', '#büro', 'raum-äöü', '日本語', '🦊', 'é'.normalize('NFD'), 'x'.repeat(255)])
    for (const partitions of [1, 3, 12, 64]) same(key, partitions)
  fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), fc.integer({ min: 1, max: 200 }), same))
})

it("hashes as Java's murmur2 does", () => {
  // From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ]
  for (const [text, hash] of known) expect(murmur2(Buffer.from(text)) | 0).toBe(hash)
})
