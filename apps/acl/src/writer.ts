/** Writes to one partition of `<family>.state`: gathered, one in flight, and aware of what others write between. */
import type { RecordDraft } from '@roomlog/log'
import { headKey, recordVersion } from '@roomlog/protocol'
import type { Fold } from './fold.js'
import { untilDone } from './retry.js'
import type { Site } from './site.js'
import { Slice } from './slice.js'

export class Writer {
  /** The end of the state topic, as far as it is known. */
  end: number
  private records: RecordDraft[] = []
  private bytes = 0
  /** Ranges of offsets that we did not write. */
  private strange: [from: number, to: number][] = []
  private readonly slice = new Slice()

  constructor(
    private readonly site: Site,
    private readonly fold: Fold,
    private readonly owner: number,
    restored: { end: number },
    private readonly stopped: () => boolean,
  ) {
    this.end = restored.end
  }

  headers(through: number): Record<string, string> {
    return { v: recordVersion, through: String(through), owner: String(this.owner), epoch: this.fold.epoch }
  }

  async add(record: RecordDraft): Promise<void> {
    this.records.push(record)
    this.bytes += (record.value?.length ?? 0) + record.key!.length + 100
    if (this.bytes >= this.site.bounds.checkpointBytesMax) await this.flush()
    const turn = this.slice.yield()
    if (turn) await turn
  }

  /** Resolves when everything is acknowledged. @throws once the checkpoint is stopped */
  async flush(): Promise<void> {
    const { log, topics, partition } = this.site
    const records = this.records
    this.records = []
    this.bytes = 0
    if (records.length === 0) return
    // Not one write more: what follows might take away what was not written any more.
    if (this.stopped()) throw new Error('the checkpoint is stopped')
    await this.untilDone(async () => {
      const { baseOffset } = await log.produce(topics.state, partition, records)
      if (baseOffset > this.end) this.strange.push([this.end, baseOffset])
      this.end = baseOffset + records.length
    })
  }

  /** Keys that earlier owners have written since the last call, and (after a write of unknown outcome) we. */
  async strangers(): Promise<string[]> {
    const { log, topics, partition } = this.site
    const keys = new Set<string>()
    for (const [from, to] of this.strange.splice(0)) {
      await this.untilDone(async () => {
        for (let at = from; at < to; ) {
          const batch = await log.read(topics.state, partition, at)
          for (const { offset, key, value, headers } of batch.records) {
            if (offset < to && key !== headKey && value !== null && Number(headers['owner']) <= this.owner) keys.add(key!)
          }
          at = batch.next
        }
      })
    }
    return [...keys]
  }

  private untilDone(act: () => Promise<void>): Promise<void> {
    return untilDone(this.site, 'a checkpoint cannot be written', this.stopped, act)
  }
}
