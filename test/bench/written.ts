/**
 * Events written straight into a log, as the authority would, so that readers can be measured with as many as wanted: valid records
 * of public rooms, at the offsets that they name.
 */
import { epochOf, eventCheck, eventId, type Log, position, type RecordDraft } from '@roomlog/log'
import { encodeEvent } from '@roomlog/protocol'

export interface Wanted {
  room: string
  type: string
  content: string
  /** Of a state event. */
  key?: string
}

export const created = (room: string): Wanted[] => [
  { room, type: 'room.created', content: '{"access":"public","history":"world"}' },
  { room, type: 'room.access', key: '', content: '{"value":"public"}' },
  { room, type: 'room.history', key: '', content: '{"value":"world"}' },
]

/** One partition and its only writer. */
export class PartitionWriter {
  end = 0
  private readonly seqs = new Map<string, number>()
  private readonly log: Log
  private readonly partition: number

  constructor(log: Log, partition: number) {
    this.log = log
    this.partition = partition
  }

  seq(room: string): number {
    return this.seqs.get(room) ?? 0
  }

  /** One batch. Returns the position of its last event. */
  async append(wanted: readonly Wanted[]): Promise<string> {
    const records = wanted.map((one, index) => this.record(one, this.end + index))
    const { appended } = await this.log.append('room.events', this.partition, this.end, records)
    if (!appended) throw new Error('somebody else writes this partition')
    const { room } = wanted.at(-1)!
    this.end += wanted.length
    const epoch = epochOf(await this.log.topicId('room.events'), '')
    const offset = this.end - 1
    return position({ epoch, partition: this.partition, offset, seq: this.seq(room), check: this.check(room, offset) })
  }

  private record({ room, type, content, key }: Wanted, offset: number): RecordDraft {
    const seq = this.seq(room) + 1
    this.seqs.set(room, seq)
    const id = eventId({ partition: this.partition, offset, check: this.check(room, offset) })
    const event = { id, room, seq, type, sender: { id: 'anna' }, at: 1, content, ...(key === undefined ? {} : { key }) }
    const headers = { v: '1', cmd: '0', seq: String(seq), type, sender: 'anna', ...(key === undefined ? {} : { key }) }
    return { key: room, value: encodeEvent(event as never), headers }
  }

  private check(room: string, offset: number): string {
    return eventCheck({ incarnation: '', room, sender: 'anna', at: 1, commandOffset: offset, index: 0 })
  }
}
