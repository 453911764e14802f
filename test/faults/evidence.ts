/** The whole log, read by an administrator; and the projection, read over HTTP. Neither goes the way of the clients. */
import { type Log, openLog } from '@roomlog/log'
import { decodeRecord, eventsTopic } from '@roomlog/protocol'
import type { Deployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { digestOf, type Logged } from './history.ts'

/**
 * Opens the log of the deployment. An embedded log belongs to its process: stop that first.
 * The caller closes it.
 */
export function openLogOf(deployment: Deployment): Promise<Log> {
  return openLog(deployment.logUrl, { partitions: deployment.partitions, topicPrefix: deployment.kafka?.topicPrefix ?? '' })
}

/** Every valid event of the rooms, by room, in the order of the log. */
export async function readLog(log: Log, rooms: ReadonlySet<string>): Promise<Map<string, Logged[]>> {
  const found = new Map<string, Logged[]>([...rooms].map((room) => [room, []]))
  const erased: [room: string, seq: number][] = []
  const topic = eventsTopic('room')
  for (let partition = 0; partition < log.partitions; partition++) {
    const { start, end } = await log.range(topic, partition)
    for (let next = start; next < end; ) {
      const batch = await log.read(topic, partition, next)
      for (const record of batch.records) {
        if (record.headers.seq === undefined || !found.has(record.key!)) continue
        found.get(record.key!)!.push(logged(JSON.parse(record.value!.toString('utf8'))))
        if (record.headers.erases) erased.push([record.key!, Number(record.headers.erases)])
        decodeRecord(record)
      }
      if (batch.next <= next) throw new Error(`the log does not go on at ${topic}/${partition}:${next}`)
      next = batch.next
    }
  }
  for (const [room, seq] of erased) found.get(room)![seq - 1]!.tombstone = true
  return found
}

/** The same from history, page by page. */
export async function readProjection(deployment: Deployment, rooms: ReadonlySet<string>): Promise<Map<string, Logged[]>> {
  const reader = new Caller(deployment.urls[0]!, await deployment.tokens.service('auditor', ['read', 'admin']))
  const found = new Map<string, Logged[]>()
  for (const room of rooms) {
    const events: Logged[] = []
    for (let before = ''; ; ) {
      const page = await reader.get(`/v1/rooms/${room}/events?limit=500${before ? `&before=${before}` : ''}`)
      if (page.status !== 200) throw new Error(`history of ${room}: ${page.status} ${page.text}`)
      events.push(...page.body.events.map((item: any) => logged(item.event ?? item)))
      if (!page.body.more.stored) break
      before = page.body.earliest
    }
    found.set(
      room,
      events.sort((a, b) => a.seq - b.seq),
    )
  }
  return found
}

function logged(event: any): Logged {
  return {
    room: event.room,
    seq: event.seq,
    event: event.id,
    sender: event.sender.id,
    type: event.type,
    digest: digestOf(event),
    ...(event.user ? { user: event.user } : {}),
    ...(event.content?.wish ? { wish: event.content.wish } : {}),
  }
}
