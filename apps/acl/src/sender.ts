/**
 * Follow-ups on their way. Per target partition they go in the order of their causes, and the next write begins when the one
 * before is acknowledged: so a target never sees a cause before an earlier one from here, which is what lets it drop repeats
 * by remembering the last. A write that fails is repeated for as long as the partition is ours.
 */
import { partitionOf, type RecordDraft } from '@roomlog/log'
import { type Cause, commandsTopic, encodeCommand, familyOf, recordVersion } from '@roomlog/protocol'
import { bounds } from './bounds.js'
import { untilDone } from './retry.js'
import type { Site } from './site.js'
import type { Then } from './then.js'

interface Sending {
  /** Offset of the causing record. */
  offset: number
  record: RecordDraft
}

export class Sender {
  stopped = false
  private readonly targets = new Map<string, Sending[]>()
  /** How many are not acknowledged, per causing record, ascending. */
  private readonly open = new Map<number, number>()
  private size = 0
  private drained?: () => void

  /** @param onBroken told when a write can never be done: then only a new take-over can go on */
  constructor(
    private readonly site: Site,
    private readonly onBroken: (error: Error) => void,
  ) {}

  /** Takes the follow-ups of the valid record at `offset`. Offsets must ascend. */
  send(offset: number, then: readonly Then[], incarnation: string): void {
    then.forEach((one, index) => {
      const cause: Cause = { topic: this.site.topics.events, partition: this.site.partition, offset, index, incarnation }
      const room = one.command.room
      const topic = commandsTopic(familyOf(room))
      const partition = partitionOf(room, this.site.log.partitions)
      const headers: Record<string, string> = {
        v: recordVersion,
        origin: one.origin ?? `${cause.topic}/${cause.partition}:${offset}/${index}`,
        cause: JSON.stringify(cause),
      }
      if (one.reply !== undefined) headers['reply'] = one.reply
      if (one.traceparent !== undefined) headers['traceparent'] = one.traceparent
      this.enqueue(topic, partition, { offset, record: { key: room, value: encodeCommand(one.command), headers } })
    })
    this.size += then.length
    this.open.set(offset, (this.open.get(offset) ?? 0) + then.length)
  }

  /** Offset of the first record with a follow-up that is not acknowledged. */
  get firstOpen(): number | undefined {
    return this.open.keys().next().value
  }

  get waiting(): number {
    return this.size
  }

  /** Undefined while there is room. */
  room(): Promise<void> | undefined {
    if (this.size < this.site.bounds.followUpsMax || this.stopped) return undefined
    return new Promise((resolve) => (this.drained = resolve))
  }

  stop(): void {
    this.stopped = true
    this.drained?.()
  }

  private enqueue(topic: string, partition: number, sending: Sending): void {
    const key = `${topic}/${partition}`
    const queue = this.targets.get(key)
    if (queue) {
      queue.push(sending)
      return
    }
    const fresh = [sending]
    this.targets.set(key, fresh)
    this.write(key, topic, partition, fresh).catch((error: Error) => this.onBroken(error))
  }

  private async write(key: string, topic: string, partition: number, queue: Sending[]): Promise<void> {
    await Promise.resolve()
    while (queue.length > 0 && !this.stopped) {
      const batch = firstOf(queue)
      const records = batch.map(({ record }) => record)
      await untilDone(
        this.site,
        'follow-ups cannot be written',
        () => this.stopped,
        () => this.site.log.produce(topic, partition, records),
      )
      queue.splice(0, batch.length)
      this.acknowledge(batch)
    }
    this.targets.delete(key)
  }

  private acknowledge(batch: readonly Sending[]): void {
    for (const { offset } of batch) {
      const left = this.open.get(offset)! - 1
      if (left === 0) this.open.delete(offset)
      else this.open.set(offset, left)
    }
    this.size -= batch.length
    this.site.observer.count('followUps', batch.length)
    if (this.size < this.site.bounds.followUpsMax) this.drained?.()
  }
}

/** As many as one write may hold. */
function firstOf(queue: readonly Sending[]): Sending[] {
  let bytes = 0
  const cut = queue.findIndex(({ record }, index) => {
    bytes += record.value!.length + 500
    return index > 0 && (bytes > bounds.followUpBatchBytesMax || index >= bounds.followUpBatchMax)
  })
  return queue.slice(0, cut < 0 ? queue.length : cut)
}
