/** The one timer of a partition: for the mark that refusals wait for, or for the end of the first parked command. */
import type { RecordDraft } from '@roomlog/log'
import { encodeCommand, recordVersion } from '@roomlog/protocol'
import type { Parking } from './parking.js'
import type { Site } from './site.js'

export class Alarm {
  private cancel = () => {}

  constructor(
    private readonly site: Site,
    private readonly parking: Parking,
    private readonly wake: () => void,
  ) {}

  /** @param markIn milliseconds until a mark is due; absent = none is */
  set(markIn: number | undefined): void {
    const { clock, bounds } = this.site
    this.cancel()
    this.cancel = () => {}
    if (markIn !== undefined) this.cancel = clock.after(Math.max(1, markIn), this.wake)
    else if (this.parking.size > 0) {
      const { room, untilMs } = this.parking.next!
      this.cancel = clock.after(Math.max(untilMs - clock.now(), bounds.retryMsMin), () => void this.tellTime(room))
    }
  }

  off(): void {
    this.cancel()
  }

  /** The broker's clock may be behind ours: then the alarm is set again, until the log's time has come. */
  private async tellTime(room: string): Promise<void> {
    const { log, topics, partition, clock, observer, warn } = this.site
    observer.count('timesPassed')
    await log.produce(topics.commands, partition, [timePassed(room, clock.now())]).catch(warn('the time could not be told'))
    this.wake()
  }
}

/** The command that an owner sends itself where something waits for a time: its broker time is the log's. */
function timePassed(room: string, now: number): RecordDraft {
  const value = encodeCommand({
    type: 'time.passed',
    room,
    sender: { id: 'roomlog' },
    device: '',
    rights: { internal: true },
    content: '{}',
  })
  return { key: room, value, headers: { v: recordVersion, origin: `time/${now}` } }
}
