/** One read of every partition of events, so that what a log opens for its first read does not wait for the first client (0.4 s on Kafka). */
import { eventsTopic } from '@roomlog/protocol'
import type { EventLog } from './ports.js'

/** Failures are no news: whoever reads next has them again, and says so. */
export async function warmUp(log: EventLog): Promise<void> {
  const topic = eventsTopic('room')
  for (let partition = 0; partition < log.partitions; partition++) {
    try {
      const { start, end } = await log.range(topic, partition)
      await log.read(topic, partition, Math.max(end - 1, start), { bytesMax: 1 })
    } catch {
      return
    }
  }
}
