/**
 * Answers on their way to the doors that asked. One write at a time per partition of `room.replies`; what comes meanwhile
 * goes with the next. An answer that cannot be written is lost: its door says `unknown`, and the repeat meets the first result.
 */
import type { RecordDraft } from '@roomlog/log'
import { type Reply, recordVersion } from '@roomlog/protocol'
import { pause } from './clock.js'
import type { Site } from './site.js'

const repliesTopic = 'room.replies'

export class Answers {
  private readonly queues = new Map<number, RecordDraft[]>()
  private readonly writing = new Set<Promise<void>>()
  private count = 0
  private drained?: () => void

  constructor(private readonly site: Site) {}

  /** @param address header `reply` of the command: `<partition>:<request ID>`. One that is not well formed is passed over. */
  give(address: string, outcome: Omit<Reply, 'id'>): void {
    const colon = address.indexOf(':')
    const partition = Number(address.slice(0, colon))
    const id = address.slice(colon + 1)
    if (colon < 1 || !Number.isInteger(partition) || partition < 0 || partition >= this.site.log.partitions) return
    const record: RecordDraft = { key: id, value: JSON.stringify({ id, ...outcome }), headers: { v: recordVersion } }
    this.count++
    const queue = this.queues.get(partition)
    if (queue) {
      queue.push(record)
      return
    }
    this.queues.set(partition, [record])
    const writing = Promise.resolve()
      .then(() => this.write(partition))
      .finally(() => this.writing.delete(writing))
    this.writing.add(writing)
  }

  /** Undefined while there is room. */
  room(): Promise<void> | undefined {
    if (this.count < this.site.bounds.answersMax) return undefined
    return new Promise((resolve) => (this.drained = resolve))
  }

  /** Resolves when what was given is written (or lost), or has had time enough. */
  async written(): Promise<void> {
    if (this.writing.size === 0) return
    const { clock, bounds } = this.site
    await Promise.race([Promise.all(this.writing), pause(clock, bounds.handOverMsMax)])
  }

  private async write(partition: number): Promise<void> {
    for (;;) {
      const records = this.queues.get(partition)!.splice(0, this.site.bounds.answerBatchMax)
      if (records.length === 0) break
      try {
        await this.site.log.produce(repliesTopic, partition, records)
      } catch (error) {
        this.site.warn('answers are lost')(error as Error)
      }
      this.count -= records.length
      if (this.count < this.site.bounds.answersMax) this.drained?.()
    }
    this.queues.delete(partition)
  }
}
