/**
 * Fills a partition for the take-over benchmark with the authority's own fold and checkpoint. Behind the checkpoint stand as many
 * events as there may be before the next one is due: a take-over replays them.
 */
import { randomUUID } from 'node:crypto'
import { Checkpoint, domainRules, Figures, Fold, ReferenceCache, type SiteOptions, siteOf, takeOver } from '@roomlog/acl/parts'
import type { RoomEvent } from '@roomlog/domain'
import { eventId, type Log, type RecordDraft } from '@roomlog/log'
import { encodeEvent, eventsTopic, recordVersion } from '@roomlog/protocol'

export interface Content {
  rooms: number
  members: number
  /** Of the first room. */
  largeMembers: number
  state: number
  replayed: number
}

/** Rooms of one checkpoint while filling, so that the filling process stays small. */
const sliceRooms = 5_000
const appendRecords = 1_000
const partition = 0
const at = 1_700_000_000_000

export const siteOptions = (log: Log): SiteOptions => ({
  log,
  family: 'room',
  partition,
  rules: domainRules(),
  observer: new Figures(),
  cache: new ReferenceCache(),
  newId: randomUUID,
})

/** The log must be empty. */
export async function fill(log: Log, content: Content, progress: (line: string) => void): Promise<void> {
  const site = siteOf(siteOptions(log))
  const fold = new Fold(site, { followUps: () => {}, stopped: (_offset, error) => progress(error.message) })
  const { owner, restored } = await takeOver(site, fold)
  const checkpoint = new Checkpoint(site, { fold, owner, restored, firstOpen: () => undefined })
  for (let first = 0; first < content.rooms; first += sliceRooms) {
    fold.rooms.clear()
    for (let i = first; i < Math.min(first + sliceRooms, content.rooms); i++) {
      const room = fold.room(`room-${i}`)
      for (const event of eventsOf(room.name, i === 0 ? content.largeMembers : content.members, content.state)) {
        for (const key of site.rules.touches(event)) room.set(key, site.rules.evolveEntry(key, room.get(key), event))
      }
      fold.dirty.add(room)
    }
    await checkpoint.write()
    progress(`${Math.min(first + sliceRooms, content.rooms)} of ${content.rooms} rooms written`)
  }
  await appendBehind(log, fold.end, content)
}

function* eventsOf(room: string, members: number, state: number): Iterable<RoomEvent> {
  let seq = 0
  const event = (type: string, content: string, more: Partial<RoomEvent> = {}): RoomEvent => {
    seq++
    const id = eventId({ partition, offset: seq, check: 'benchmrk' })
    return { id, room, seq, type, sender: { id: 'member-0' }, at, content, origin: `bench.${seq.toString(36)}`, ...more }
  }
  yield event('room.created', '{"access":"public","history":"shared"}')
  for (let i = 0; i < members; i++) yield event('member.join', '{}', { user: `member-${i}`, sender: { id: `member-${i}` } })
  yield event('room.power', '{"users":{"member-0":100}}', { key: '' })
  for (let i = 1; i < state; i++) yield event(`app.setting${i}`, `{"value":"some setting of this room, ${i}"}`, { key: '' })
}

/** Messages into all rooms in turn, valid where they stand. */
async function appendBehind(log: Log, from: number, { rooms, members, largeMembers, state, replayed }: Content): Promise<void> {
  const seqs = new Map<number, number>()
  for (let done = 0; done < replayed; ) {
    const records: RecordDraft[] = []
    for (; records.length < appendRecords && done < replayed; done++) {
      const index = done % rooms
      const seq = seqs.get(index) ?? 1 + (index === 0 ? largeMembers : members) + state
      seqs.set(index, seq + 1)
      records.push(message(`room-${index}`, seq + 1, from + done))
    }
    const outcome = await log.append(eventsTopic('room'), partition, from + done - records.length, records)
    if (!outcome.appended) throw new Error('the partition has another writer')
  }
}

function message(room: string, seq: number, offset: number): RecordDraft {
  const id = eventId({ partition, offset, check: 'benchmrk' })
  const event: RoomEvent = { id, room, seq, type: 'msg.text', sender: { id: 'member-1' }, at, content: '{"text":"hello"}' }
  const headers = { v: recordVersion, cmd: '-1', seq: String(seq), type: event.type, sender: event.sender.id, origin: `bench.${offset}` }
  return { key: room, value: encodeEvent(event), headers }
}
