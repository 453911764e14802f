/**
 * Persistence in memory, read from the log itself: states what is true at an offset, which may lag, and can be made to fail.
 */
import { type Log, type LogRecord, parseEventId, partitionOf } from '@roomlog/log'
import {
  type AccessStatement,
  decodeEvent,
  deletionOf,
  type EventsPage,
  eventsTopic,
  families,
  familyOf,
  tombstone,
} from '@roomlog/protocol'
import type { History } from '../ports.js'

export class LogHistory implements History {
  /** Offsets at the end of the log that are not stored yet. */
  lag = 0
  failing = false
  private readonly archived = new Map<string, { records: LogRecord[]; next: number }>()
  calls = { access: 0, events: 0, erased: 0 }

  constructor(private readonly log: Log) {}

  async access(room: string, user: string): Promise<AccessStatement> {
    this.calls.access++
    const { rows, through, partition } = await this.rows(room)
    const statement: AccessStatement = {
      room,
      partition,
      through,
      exists: rows.length > 0,
      deleted: false,
      seq: rows.at(-1)?.seq ?? 0,
      access: 'limited',
      history: [],
      membership: [],
    }
    for (const { seq, event } of rows) {
      const content = JSON.parse(event.content) as Record<string, string>
      const membership = memberships[event.type]
      if (event.type === 'room.created') Object.assign(statement, { access: content.access }, { history: [[seq, content.history]] })
      if (event.type === 'room.history') statement.history.push([seq, content.value!])
      if (event.type === 'room.access') statement.access = content.value!
      if (event.type === 'room.deleted') statement.deleted = true
      if (membership && event.user === user) statement.membership.push([seq, membership])
    }
    return statement
  }

  async events(room: string, after: number, limit: number): Promise<EventsPage> {
    this.calls.events++
    const { rows, through } = await this.rows(room)
    const deletions = new Map(rows.filter((row) => row.erases !== undefined).map((row) => [row.erases, row]))
    const events = rows
      .filter((row) => row.seq > after)
      .slice(0, limit)
      .map(({ seq, offset, event, bytes, key, device, action }) => {
        const deletion = deletions.get(seq)
        return {
          seq,
          offset,
          type: event.type,
          key,
          follows: event.follows,
          sender: event.sender.id,
          bytes: deletion ? tombstone(bytes, deletionOf(deletion.event)) : bytes,
          device,
          action,
        }
      })
    return { events, through }
  }

  async erased(room: string): Promise<{ erased: number[]; through: number }> {
    this.calls.erased++
    const { rows, through } = await this.rows(room)
    return { erased: rows.flatMap(({ erases }) => (erases === undefined ? [] : [erases])), through }
  }

  async event(id: string): Promise<string | undefined> {
    await this.archive()
    const place = parseEventId(id)
    return [...this.archived]
      .filter(([key]) => key.endsWith(`/${place?.partition}`))
      .flatMap(([, { records }]) => records.filter(({ offset }) => offset === place?.offset).map(({ value }) => value!.toString()))
      .find((text) => text.startsWith(`{"id":"${id}"`))
  }

  /** Stores all there is; what is trimmed from the log afterwards is served from here. */
  async archive(): Promise<void> {
    for (const family of families) {
      for (let partition = 0; partition < this.log.partitions; partition++) await this.follow(eventsTopic(family), partition)
    }
  }

  private async follow(topic: string, partition: number): Promise<LogRecord[]> {
    const key = `${topic}/${partition}`
    const archived = this.archived.get(key) ?? { records: [], next: 0 }
    this.archived.set(key, archived)
    for (;;) {
      const from = archived.next
      const batch = await this.log.read(topic, partition, from)
      // Another call may have read the same meanwhile.
      if (archived.next !== from) continue
      archived.records.push(...batch.records)
      archived.next = batch.next
      if (batch.next === batch.end) return archived.records
    }
  }

  private async rows(room: string) {
    if (this.failing) throw new Error('persistence is away')
    const topic = eventsTopic(familyOf(room))
    const partition = partitionOf(room, this.log.partitions)
    const { end } = await this.log.range(topic, partition)
    const through = Math.max(end - this.lag, 0)
    const records = await this.follow(topic, partition)
    const rows = records
      .filter((record) => record.key === room && record.headers.seq !== undefined && record.offset < through)
      .map(({ offset, headers, value }) => ({
        seq: Number(headers.seq),
        offset,
        key: headers.key,
        device: headers.device,
        action: headers.action,
        erases: headers.erases === undefined ? undefined : Number(headers.erases),
        event: decodeEvent(value!),
        bytes: value!.toString(),
      }))
    return { rows, through, partition }
  }
}

const memberships: Record<string, string> = {
  'member.join': 'joined',
  'member.invite': 'invited',
  'member.leave': 'left',
  'member.kick': 'left',
  'member.ban': 'banned',
  'member.unban': 'left',
}
