/** Writes to one partition of `<family>.state`: gathered, one in flight, and aware of what others write between. */
import type { Log, RecordDraft } from '@roomlog/log'
import { recordVersion } from '@roomlog/protocol'
import type { Bounds } from './bounds.js'
import { type Clock, pause } from './clock.js'
import type { Fold } from './fold.js'
import { headKey } from './head.js'
import type { Observer } from './observer.js'
import { Slice } from './slice.js'

export interface WriterOptions {
  log: Log
  topic: string
  fold: Fold
  owner: number
  restored: { end: number }
  bounds: Bounds
  clock: Clock
  observer: Observer
}

export class Writer {
  /** The end of the state topic, as far as it is known. */
  end: number
  private records: RecordDraft[] = []
  private bytes = 0
  /** Ranges of offsets that we did not write. */
  private strange: [from: number, to: number][] = []
  private readonly slice = new Slice()

  constructor(
    private readonly of: WriterOptions,
    private readonly stopped: () => boolean,
  ) {
    this.end = of.restored.end
  }

  headers(through: number): Record<string, string> {
    return { v: recordVersion, through: String(through), owner: String(this.of.owner), epoch: this.of.fold.epoch }
  }

  async add(record: RecordDraft): Promise<void> {
    this.records.push(record)
    this.bytes += (record.value?.length ?? 0) + record.key!.length + 100
    if (this.bytes >= this.of.bounds.checkpointBytesMax) await this.flush()
    const turn = this.slice.yield()
    if (turn) await turn
  }

  /** Resolves when everything is acknowledged, or the checkpoint was stopped. */
  async flush(): Promise<void> {
    const { log, topic, fold } = this.of
    const records = this.records
    this.records = []
    this.bytes = 0
    if (records.length === 0) return
    await this.untilDone(async () => {
      const { baseOffset } = await log.produce(topic, fold.partition, records)
      if (baseOffset > this.end) this.strange.push([this.end, baseOffset])
      this.end = baseOffset + records.length
    })
  }

  /** Keys that earlier owners have written since the last call, and (after a write of unknown outcome) we. */
  async strangers(): Promise<string[]> {
    const keys = new Set<string>()
    for (const [from, to] of this.strange.splice(0)) {
      await this.untilDone(async () => {
        for (let at = from; at < to; ) {
          const batch = await this.of.log.read(this.of.topic, this.of.fold.partition, at)
          for (const { offset, key, value, headers } of batch.records) {
            if (offset < to && key !== headKey && value !== null && Number(headers['owner']) <= this.of.owner) keys.add(key!)
          }
          at = batch.next
        }
      })
    }
    return [...keys]
  }

  private async untilDone(act: () => Promise<void>): Promise<void> {
    const { bounds, clock, observer } = this.of
    for (let retryMs = bounds.retryMsMin; !this.stopped(); retryMs = Math.min(retryMs * 2, bounds.retryMsMax)) {
      try {
        return await act()
      } catch (error) {
        observer.warn({ err: error }, 'a checkpoint could not be written; trying again')
        await pause(clock, retryMs)
      }
    }
  }
}
