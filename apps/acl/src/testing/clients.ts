/** Clients of a simulation: they number their actions, name the one before, send several at once, and repeat what got no answer. */
import { partitionOf } from '@roomlog/log'
import { type CommandValue, commandsTopic, encodeCommand, familyOf, type Reply } from '@roomlog/protocol'
import type { Random } from './random.js'
import type { SimBroker } from './sim-log.js'

export interface Attempt {
  command: CommandValue
  /** Replies to any of its sendings, in order. */
  replies: Reply[]
  sendings: number
  /** Sent to a wrong partition: what two owners of that one send on arrives twice. */
  misdirected: boolean
  sentAt: number
}

const users = ['ann', 'bob', 'cai', 'dee', 'eve']
const rooms = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']
const aliases = ['x', 'y']
const resendMs = 700
/** As a door: an action is sent this often before its client gives up. */
const sendingsMax = 60

export class Clients {
  readonly attempts: Attempt[] = []
  private readonly open = new Map<string, Attempt>()
  private readonly actions = new Map<string, { last: number; lastIn: Map<string, number> }>()
  private readonly seen: number[] = []
  private readonly known: { room: string; event: string }[] = []
  private readonly delayed: Attempt[] = []
  private ids = 0

  constructor(
    private readonly broker: SimBroker,
    private readonly random: Random,
  ) {}

  get outstanding(): number {
    return new Set(this.open.values()).size
  }

  get idle(): boolean {
    return this.open.size === 0 && this.delayed.length === 0
  }

  act(now: number): void {
    this.hear()
    if (this.outstanding < 25 && this.random.chance(0.35)) this.wish(now)
    if (this.delayed.length > 0 && this.random.chance(0.5))
      this.send(this.delayed.splice(this.random.below(this.delayed.length), 1)[0]!, now)
    this.repeat(now)
  }

  /** No new wishes; everything is repeated until it is answered. */
  finish(now: number): void {
    this.hear()
    for (const attempt of this.delayed.splice(0)) this.send(attempt, now)
    this.repeat(now)
  }

  private repeat(now: number): void {
    for (const attempt of new Set(this.open.values())) {
      if (now - attempt.sentAt < resendMs) continue
      if (attempt.sendings >= sendingsMax) throw new Error(`never answered: ${JSON.stringify(attempt.command)}`)
      this.send(attempt, now)
    }
  }

  private wish(now: number): void {
    const command = this.command()
    const device = `${command.sender.id}/${command.device}`
    let actions = this.actions.get(device)
    if (!actions) this.actions.set(device, (actions = { last: 0, lastIn: new Map() }))
    command.actionId = ++actions.last
    if (this.random.chance(0.7)) command.prevActionId = actions.lastIn.get(command.room)
    actions.lastIn.set(command.room, command.actionId)
    command.digest = `${command.type} ${command.actionId}`
    const attempt: Attempt = { command, replies: [], sendings: 0, misdirected: false, sentAt: now }
    this.attempts.push(attempt)
    if (this.random.chance(0.3)) this.delayed.push(attempt)
    else this.send(attempt, now)
  }

  private send(attempt: Attempt, now: number): void {
    const { command } = attempt
    const id = `q${this.ids++}`
    const { partitions } = this.broker
    const right = partitionOf(command.room, partitions)
    const partition = this.random.chance(0.02) ? this.random.below(partitions) : right
    if (partition !== right) {
      attempt.misdirected = true
      this.broker.count('wrongPartition')
    }
    attempt.sendings++
    attempt.sentAt = now
    this.open.set(id, attempt)
    this.broker.write(commandsTopic(familyOf(command.room)), partition, [
      { key: command.room, value: encodeCommand(command), headers: { v: '1', origin: id, reply: `0:${id}` } },
    ])
  }

  private hear(): void {
    for (let partition = 0; partition < this.broker.partitions; partition++) {
      const records = this.broker.records('room.replies', partition)
      for (let at = this.seen[partition] ?? 0; at < records.length; at++) this.take(JSON.parse(records[at]!.value!.toString()) as Reply)
      this.seen[partition] = records.length
    }
  }

  private take(reply: Reply): void {
    const attempt = this.open.get(reply.id)
    if (!attempt) return
    attempt.replies.push(reply)
    for (const [id, other] of this.open) if (other === attempt) this.open.delete(id)
    if (reply.ok?.event) this.known.push({ room: reply.ok.room, event: reply.ok.event })
  }

  private command(): CommandValue {
    const { random } = this
    const user = random.pick(users)
    const room = random.pick(rooms)
    const base = { room, sender: { id: user }, device: random.pick(['d', 'e']), rights: {} }
    const other = random.pick(users)
    const kind = random.below(100)
    if (kind < 45) return { ...base, type: 'msg.text', content: `{"n": ${this.ids}.0}` }
    if (kind < 57) return { ...base, type: 'member.join', content: '{}' }
    if (kind < 63) return { ...base, type: 'room.create', content: JSON.stringify(this.plan()) }
    if (kind < 67) return { ...base, type: 'room.alias', key: random.pick(aliases), content: random.chance(0.6) ? '{}' : 'null' }
    if (kind < 72) return { ...base, type: 'member.leave', content: '{}' }
    if (kind < 76) return { ...base, type: 'member.invite', user: other, content: '{}' }
    if (kind < 79) return { ...base, type: random.pick(['member.kick', 'member.ban', 'member.unban']), user: other, content: '{}' }
    if (kind < 83) return { ...base, type: 'room.name', key: '', content: `{"value":"name ${this.ids}"}` }
    if (kind < 84) return { ...base, type: 'room.delete', content: '{}' }
    if (kind < 87) return { ...base, room: `@${user}`, type: 'profile.set', content: `{"name":"${user} ${this.ids}"}` }
    const known = this.known.length > 0 ? random.pick(this.known) : { room, event: '0-3-AAAAAAAA' }
    const ref = random.chance(0.1) ? known.event.replace(/.$/, '?') : known.event
    return {
      ...base,
      room: random.chance(0.9) ? known.room : room,
      type: random.pick(['msg.edit', 'msg.delete', 'msg.text']),
      ref,
      content: '{}',
    }
  }

  private plan(): object {
    const { random } = this
    const access = random.pick(['public', 'public', 'restricted', 'limited'])
    return {
      access,
      ...(access === 'restricted' ? { accessRooms: [random.pick(rooms), random.pick(rooms)] } : {}),
      ...(random.chance(0.5) ? { alias: random.pick(aliases) } : {}),
      ...(random.chance(0.3) ? { invite: [random.pick(users)] } : {}),
    }
  }
}
