import type { Admin } from '@platformatic/kafka'
import { unavailable } from './failure.js'

/** Moves the start of a partition to `before`, on all its replicas; brokers free the disk a segment at a time, later. */
export async function deleteRecords(admin: Admin, topic: string, partition: number, before: number): Promise<void> {
  try {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }] })
  } catch (error) {
    throw unavailable(`${topic}/${partition} cannot be trimmed to ${before}`, error)
  }
}
