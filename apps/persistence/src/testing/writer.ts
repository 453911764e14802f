/**
 * A stand-in for the authority in tests: appends events to a log as the authority does, without deciding anything.
 */
import { randomUUID } from 'node:crypto'
import type { Action, RoomEvent } from '@roomlog/domain'
import { eventCheck, eventId, type Log, partitionOf, type RecordDraft } from '@roomlog/log'
import { encodeEvent, eventsTopic, familyOf, recordVersion } from '@roomlog/protocol'

export type Wish = Partial<RoomEvent> & { room: string; type: string; content?: string }

export class Writer {
  private readonly seqs = new Map<string, number>()
  private readonly lasts = new Map<string, RoomEvent>()
  private readonly ends = new Map<string, number>()
  readonly incarnation = randomUUID()
  private at = 1_700_000_000_000

  constructor(readonly log: Log) {}

  /** Appends one batch to the partition of the wishes' rooms (all in one partition). */
  async append(...wishes: Wish[]): Promise<RoomEvent[]> {
    const topic = eventsTopic(familyOf(wishes[0]!.room))
    const partition = partitionOf(wishes[0]!.room, this.log.partitions)
    const end = await this.end(topic, partition)
    const events = wishes.map((wish, index) => this.event(wish, partition, end + index))
    const appended = await this.log.append(topic, partition, end, events.map(record))
    if (!appended.appended) throw new Error('a test has two writers')
    this.ends.set(`${topic}/${partition}`, end + events.length)
    return events
  }

  /** A room as `room.create` leaves it. */
  async create(room: string, creator: string, options: { access?: string; history?: string } = {}): Promise<RoomEvent[]> {
    const { access = 'limited', history = 'shared' } = options
    const by = { sender: { id: creator }, room }
    return this.append(
      { ...by, type: 'room.created', content: JSON.stringify({ access, history }) },
      { ...by, type: 'member.join', user: creator, content: '{}' },
      { ...by, type: 'room.power', key: '', content: JSON.stringify({ users: { [creator]: 100 } }) },
      { ...by, type: 'room.access', key: '', content: JSON.stringify({ value: access }) },
      { ...by, type: 'room.history', key: '', content: JSON.stringify({ value: history }) },
    )
  }

  async say(room: string, sender: string, body: string, more: Partial<RoomEvent> = {}): Promise<RoomEvent> {
    return (await this.append({ room, type: 'msg.text', sender: { id: sender }, content: JSON.stringify({ body }), ...more }))[0]!
  }

  /** The room's last event. */
  last(room: string): RoomEvent {
    return this.lasts.get(room)!
  }

  /** A record of the log's own. */
  async mark(topic: string, partition: number, mark: Record<string, unknown>): Promise<void> {
    const end = await this.end(topic, partition)
    await this.log.append(topic, partition, end, [{ key: null, value: JSON.stringify(mark), headers: { v: recordVersion, cmd: '0' } }])
    this.ends.set(`${topic}/${partition}`, end + 1)
  }

  private async end(topic: string, partition: number): Promise<number> {
    const key = `${topic}/${partition}`
    const known = this.ends.get(key) ?? (await this.log.range(topic, partition)).end
    if (known > 0) return known
    await this.log.append(topic, partition, 0, [
      {
        key: null,
        value: JSON.stringify({ mark: 'incarnation', incarnation: this.incarnation }),
        headers: { v: recordVersion, cmd: '-1' },
      },
    ])
    return 1
  }

  private event(wish: Wish, partition: number, offset: number): RoomEvent {
    const seq = (this.seqs.get(wish.room) ?? 0) + 1
    this.seqs.set(wish.room, seq)
    const sender = wish.sender ?? { id: 'anna' }
    const at = ++this.at
    const check = eventCheck({ incarnation: this.incarnation, room: wish.room, sender: sender.id, at, commandOffset: offset, index: 0 })
    const event: RoomEvent = { sender, at, seq, id: eventId({ partition, offset, check }), ...wish, content: wish.content ?? '{}' }
    this.lasts.set(wish.room, event)
    return event
  }
}

function record(event: RoomEvent): RecordDraft {
  const headers: Record<string, string> = { v: recordVersion, cmd: '0', seq: String(event.seq), type: event.type, sender: event.sender.id }
  if (event.key !== undefined) headers['key'] = event.key
  if (event.follows !== undefined) headers['follows'] = event.follows
  if (event.erases !== undefined) headers['erases'] = String(event.erases)
  if (event.device !== undefined) headers['device'] = event.device
  if (event.action !== undefined) headers['action'] = JSON.stringify(event.action satisfies Action)
  return { key: event.room, value: encodeEvent(event), headers }
}
