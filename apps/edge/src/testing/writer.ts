/**
 * An authority of the least kind: appends events as the real one does (compare-and-append, marks, headers, event IDs),
 * decides nothing.
 */
import { randomUUID } from 'node:crypto'
import { epochOf, eventCheck, eventId, type Log, partitionOf, position } from '@roomlog/log'
import { encodeEvent, eventsTopic, familyOf } from '@roomlog/protocol'

export interface EventInput {
  type: string
  sender?: string
  content?: unknown
  user?: string
  key?: string
  ref?: string
  follows?: string
  erases?: number
  device?: string
  actionId?: number
}

export interface Written {
  id: string
  room: string
  seq: number
  offset: number
  position: string
  /** The record's value. */
  text: string
}

export class Writer {
  private readonly seqs = new Map<string, number>()
  private readonly incarnations = new Map<string, string>()
  private time = 1_000

  constructor(private readonly log: Log) {}

  seq(room: string): number {
    return this.seqs.get(room) ?? 0
  }

  async append(room: string, input: EventInput): Promise<Written> {
    const topic = eventsTopic(familyOf(room))
    const partition = partitionOf(room, this.log.partitions)
    const incarnation = this.incarnations.get(`${topic}/${partition}`) ?? (await this.incarnate(topic, partition))
    const { end } = await this.log.range(topic, partition)
    const at = this.time++
    const seq = this.seq(room) + 1
    const sender = input.sender ?? 'anna'
    const check = eventCheck({ incarnation, room, sender, at, commandOffset: end, index: 0 })
    const id = eventId({ partition, offset: end, check })
    const { type, user, key, ref, follows } = input
    const text = encodeEvent({
      id,
      room,
      seq,
      type,
      sender: { id: sender },
      at,
      user,
      key,
      ref,
      follows,
      content: JSON.stringify(input.content ?? {}),
    })
    const headers: Record<string, string> = { v: '1', cmd: String(end), seq: String(seq), type, sender }
    if (key !== undefined) headers.key = key
    if (follows !== undefined) headers.follows = follows
    if (input.erases !== undefined) headers.erases = String(input.erases)
    if (input.device !== undefined) headers.device = input.device
    if (input.actionId !== undefined) headers.action = JSON.stringify({ id: input.actionId, digest: '' })
    const outcome = await this.log.append(topic, partition, end, [{ key: room, value: text, headers }])
    if (!outcome.appended) throw new Error('another writer')
    this.seqs.set(room, seq)
    const epoch = epochOf(await this.log.topicId(topic), incarnation)
    return { id, room, seq, offset: end, position: position({ epoch, partition, offset: end, seq, check }), text }
  }

  /** A room with its creator, as `room.create` makes it. */
  async create(room: string, options: { access?: string; history?: string; creator?: string } = {}): Promise<void> {
    const { access = 'limited', history = 'shared', creator: sender = 'anna' } = options
    await this.append(room, { type: 'room.created', sender, content: { access, history } })
    await this.join(room, sender)
    await this.append(room, { type: 'room.access', key: '', sender, content: { value: access } })
    await this.append(room, { type: 'room.history', key: '', sender, content: { value: history } })
  }

  say(room: string, body: string, more: Partial<EventInput> = {}): Promise<Written> {
    return this.append(room, { type: 'msg.text', content: { body }, ...more })
  }

  join = (room: string, user: string) => this.append(room, { type: 'member.join', sender: user, user })
  invite = (room: string, user: string) => this.append(room, { type: 'member.invite', user })
  leave = (room: string, user: string) => this.append(room, { type: 'member.leave', sender: user, user })
  kick = (room: string, user: string) => this.append(room, { type: 'member.kick', user })
  ban = (room: string, user: string) => this.append(room, { type: 'member.ban', user })
  history = (room: string, value: string) => this.append(room, { type: 'room.history', key: '', content: { value } })

  /** The log is another one from here on. */
  async incarnate(topic: string, partition: number): Promise<string> {
    const incarnation = randomUUID()
    const { end } = await this.log.range(topic, partition)
    await this.log.append(topic, partition, end, [
      { key: null, value: JSON.stringify({ mark: 'incarnation', incarnation }), headers: { v: '1', cmd: '-1' } },
    ])
    this.incarnations.set(`${topic}/${partition}`, incarnation)
    return incarnation
  }

  /** A record of the log's own. */
  async mark(room: string): Promise<void> {
    const topic = eventsTopic(familyOf(room))
    const partition = partitionOf(room, this.log.partitions)
    const { end } = await this.log.range(topic, partition)
    await this.log.append(topic, partition, end, [{ key: null, value: JSON.stringify({ mark: 'decided' }), headers: { v: '1', cmd: '0' } }])
  }
}
