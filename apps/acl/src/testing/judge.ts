/** What must hold of the logs when a simulation is at rest. Each check throws with what it found. */
import assert from 'node:assert/strict'
import type { RoomEvent } from '@roomlog/domain'
import { parseEventId, partitionOf } from '@roomlog/log'
import { decodeRecord, type Family } from '@roomlog/protocol'
import { Fold } from '../fold.js'
import { emptyHead } from '../head.js'
import { restore } from '../restore.js'
import type { Room } from '../room.js'
import { domainRules } from '../rules.js'
import { noFaults, SimLog } from './sim-log.js'
import type { Simulation } from './simulation.js'

export interface Seen extends RoomEvent {
  partition: number
  offset: number
}

export class Judge {
  readonly events: Seen[] = []
  readonly byRoom = new Map<string, Seen[]>()

  constructor(private readonly simulation: Simulation) {
    simulation.each((family, partition) => {
      for (const record of simulation.events(family, partition)) {
        if (record!.headers['seq'] === undefined) continue
        const event: Seen = { ...decodeRecord(record!), partition, offset: record!.offset }
        assert.equal(event.room, record!.key)
        assert.equal(partition, partitionOf(event.room, simulation.broker.partitions), 'an event stands in its room’s partition')
        this.events.push(event)
        const room = this.byRoom.get(event.room)
        if (room) room.push(event)
        else this.byRoom.set(event.room, [event])
      }
    })
  }

  async all(): Promise<void> {
    this.numbers()
    this.actions()
    this.answers()
    this.order()
    this.inboxes()
    this.aliases()
    this.profiles()
    await this.checkpoints()
  }

  private numbers(): void {
    for (const [room, events] of this.byRoom) {
      events.forEach((event, index) => {
        assert.equal(event.seq, index + 1, `gapless: ${room}`)
        assert.ok(index === 0 || event.at >= events[index - 1]!.at, `time goes on: ${room}`)
        const place = parseEventId(event.id)!
        assert.deepEqual([place.partition, place.offset], [event.partition, event.offset], 'an ID names its place')
      })
    }
  }

  private actions(): void {
    const seen = new Set<string>()
    for (const event of this.events) {
      if (!event.action) continue
      const key = keyOf(event.room, event.sender.id, event.device!, event.action.id)
      assert.ok(!seen.has(key), `one action, one event: ${key}`)
      seen.add(key)
    }
  }

  private answers(): void {
    const byId = new Map(this.events.map((event) => [event.id, event]))
    const byAction = this.byAction()
    for (const { command, replies, sendings, misdirected } of this.simulation.clients.attempts) {
      assert.ok(replies.length > 0, 'everybody gets an answer')
      const reply = replies[0]!
      const event = byAction.get(keyOf(command.room, command.sender.id, command.device, command.actionId!))
      if (reply.ok?.event) {
        const named = byId.get(reply.ok.event)
        assert.ok(named, `an acknowledged event is in the log: ${JSON.stringify(reply)}`)
        assert.equal(named.seq, reply.ok.seq)
        assert.equal(named.room, command.room)
        // Joining where one is already is answered with the join that was: no event remembers that action.
        if (event && command.type !== 'member.join') assert.equal(event.id, named.id, 'the answer names the action’s event')
      } else if (reply.error && sendings === 1 && !misdirected) {
        assert.equal(event, undefined, `what was refused is not in the log: ${JSON.stringify([command, reply])}`)
      }
      this.simulation.meet(reply.error ? `answer ${reply.error.code}` : 'answer ok')
    }
  }

  private order(): void {
    const byAction = this.byAction()
    const sendings = new Map(
      this.simulation.clients.attempts.map(({ command, sendings: times }) => [
        keyOf(command.room, command.sender.id, command.device, command.actionId!),
        times,
      ]),
    )
    for (const event of this.events) {
      if (event.action?.prev === undefined) continue
      const key = keyOf(event.room, event.sender.id, event.device!, event.action.prev)
      const before = byAction.get(key)
      if (!before || sendings.get(key) !== 1) continue
      assert.ok(before.seq < event.seq, `action ${event.action.prev} comes before ${event.action.id} in ${event.room}`)
      this.simulation.meet('order kept')
    }
  }

  /** Every follow-up exactly once. */
  private inboxes(): void {
    const notices = new Map<string, number>()
    for (const event of this.events) {
      if (!event.room.startsWith('@') || !/^room\.(joined|left|invited)$/.test(event.type)) continue
      const { room, seq } = JSON.parse(event.content) as { room: string; seq: number }
      const key = `${event.room} ${event.type} ${room} ${seq}`
      notices.set(key, (notices.get(key) ?? 0) + 1)
    }
    const expected = new Map<string, number>()
    for (const event of this.events) {
      const type = noticeOf(event)
      if (type) expected.set(`@${event.user} ${type} ${event.room} ${event.seq}`, 1)
    }
    assert.deepEqual(new Map([...notices].sort()), new Map([...expected].sort()), 'every notice exactly once')
    if (expected.size > 0) this.simulation.meet('notices')
  }

  private aliases(): void {
    for (const alias of ['x', 'y']) {
      const last = this.byRoom.get(`#${alias}`)?.at(-1)
      const owner = last?.type === 'alias.claim' ? (JSON.parse(last.content) as { room: string }).room : undefined
      const holders = [...this.byRoom].filter(([room, events]) => !room.startsWith('#') && holds(events, alias)).map(([room]) => room)
      const owners = owner === undefined ? [] : [owner]
      if (String(holders) !== String(owners) && this.claimedTwice(alias, [...holders, ...owners])) {
        this.simulation.meet('alias claimed twice by one room')
        continue
      }
      assert.deepEqual(holders, owners, `the alias ${alias} and its room agree`)
      if (owner) this.simulation.meet('alias held')
    }
  }

  /**
   * Two commands of one room that claim the same alias are one claim to the alias's room: where one of them is then refused,
   * what is given back is the other's too.
   */
  private claimedTwice(alias: string, rooms: readonly string[]): boolean {
    const claims = this.simulation.clients.attempts.filter(({ command, sendings }) => {
      const wants =
        command.type === 'room.create'
          ? command.content.includes(`"alias":"${alias}"`)
          : command.type === 'room.alias' && command.key === alias
      return wants && rooms.includes(command.room) && sendings > 0
    })
    return claims.reduce((sum, { sendings }) => sum + sendings, 0) > 1
  }

  /** The last profile has reached every room that the user was in when it was set. */
  private profiles(): void {
    for (const [room, events] of this.byRoom) {
      const changed = room.startsWith('@') ? events.filter(({ type }) => type === 'profile.changed').at(-1) : undefined
      if (!changed) continue
      const user = room.slice(1)
      const joined = new Map<string, boolean>()
      for (const event of events) {
        if (event.seq >= changed.seq) break
        const { room: other } = JSON.parse(event.content) as { room: string }
        if (event.type === 'room.joined') joined.set(other, true)
        if (event.type === 'room.left') joined.set(other, false)
      }
      for (const [other, still] of joined) {
        const there = this.byRoom.get(other)!
        const gone = there.some((event) => event.type === 'room.deleted' || (event.user === user && noticeOf(event) === 'room.left'))
        if (!still || gone) continue
        const last = there.filter((event) => event.type === 'member.profile' && event.user === user).at(-1)
        assert.equal(
          last?.content && JSON.parse(last.content).name,
          JSON.parse(changed.content).name,
          `the profile of ${user} reaches ${other}`,
        )
        this.simulation.meet('profile everywhere')
      }
    }
  }

  /** Checkpoint + replay = fold from the beginning, whenever it is taken. */
  async checkpoints(): Promise<void> {
    const log = new SimLog(this.simulation.broker, noFaults)
    const slots: [Family, number][] = []
    this.simulation.each((family, partition) => {
      slots.push([family, partition])
      for (const process of this.simulation.slot(family, partition)) this.simulation.kill(process)
    })
    for (const [family, partition] of slots) {
      const drive = this.drive()
      const fresh = await this.fold(log, family, partition, false)
      const restored = await this.fold(log, family, partition, true)
      drive.stop()
      assert.deepEqual(stateOf(restored), stateOf(fresh), `checkpoint + replay = replay: ${family}/${partition}`)
    }
  }

  private async fold(log: SimLog, family: Family, partition: number, checkpoint: boolean): Promise<Fold> {
    const topics = { commands: `${family}.commands`, events: `${family}.events`, state: `${family}.state` }
    const listener = { followUps() {}, stopped: (_offset: number, error: Error) => assert.fail(error) }
    const fold = new Fold({ log, topics, partition, rules: domainRules() }, listener)
    const restored = checkpoint ? await restore(log, topics.state, partition) : { rooms: new Map(), head: emptyHead, from: 0 }
    if (restored.rooms.size > 0) this.simulation.meet('restored')
    if (restored.from > 0) this.simulation.meet('restored with head')
    if ('stale' in restored && restored.stale > 0) this.simulation.meet('staleChunks')
    fold.begin('id', restored)
    await fold.catchUp()
    return fold
  }

  /** Steps the stage while something is awaited on it. */
  private drive() {
    let on = true
    const run = async () => {
      while (on) await this.simulation.stage.step(0)
    }
    void run()
    return { stop: () => (on = false) }
  }

  private byAction(): Map<string, Seen> {
    return new Map(
      this.events
        .filter(({ action }) => action)
        .map((event) => [keyOf(event.room, event.sender.id, event.device!, event.action!.id), event]),
    )
  }
}

const keyOf = (room: string, user: string, device: string, action: number) => `${room} ${user} ${device} ${action}`

function noticeOf(event: Seen): string | undefined {
  if (event.type === 'member.join') return 'room.joined'
  if (event.type === 'member.invite') return 'room.invited'
  if (event.type === 'member.leave' || event.type === 'member.kick') return 'room.left'
  return event.type === 'member.ban' && event.ref !== undefined ? 'room.left' : undefined
}

function holds(events: readonly Seen[], alias: string): boolean {
  if (events.at(-1)!.type === 'room.deleted') return false
  const last = events.filter((event) => event.type === 'room.alias' && event.key === alias).at(-1)
  return last !== undefined && last.content !== 'null'
}

function stateOf(fold: Fold) {
  const roomOf = (room: Room) => Object.fromEntries([...room.keys('')].sort().map((key) => [key, room.get(key)]))
  const rooms = [...fold.rooms.values()].filter((room) => [...room.keys('')].length > 0)
  return {
    cmd: fold.cmd,
    end: fold.end,
    parked: [...fold.parked].sort(),
    causes: Object.fromEntries([...fold.causes].sort()),
    incarnation: fold.incarnation,
    rooms: Object.fromEntries(rooms.sort((a, b) => (a.name < b.name ? -1 : 1)).map((room) => [room.name, roomOf(room)])),
  }
}
