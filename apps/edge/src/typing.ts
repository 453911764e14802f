/**
 * Who is typing in a room. It ends by itself after its time-out, or when the user says so; a client that says it again and again
 * costs a record now and then and its readers nothing. Readers get the whole list when it has changed.
 */
import type { LogRecord } from '@roomlog/log'
import { recordVersion } from '@roomlog/protocol'
import type { Audience } from './audience.js'
import type { EphemeralLog } from './ephemeral-log.js'
import { Frame } from './frame.js'
import type { Clock } from './ports.js'

export interface TypingInput {
  room: string
  /** 0 = has stopped. */
  timeoutMs?: number
}

interface TypingRoom {
  /** User → when it ends. */
  users: Map<string, number>
  shown: string
  flush?: { cancel(): void }
  timer?: { cancel(): void }
}

export class Typing {
  private readonly rooms = new Map<string, TypingRoom>()
  /** Per user and room, until when the readers know already. */
  private readonly told = new Map<string, number>()

  constructor(
    private readonly log: EphemeralLog,
    private readonly audience: Audience,
    private readonly clock: Clock,
    private readonly limits: { typingMs: number },
  ) {}

  publish(user: string, { room, timeoutMs = defaultMs }: TypingInput): void {
    const now = this.clock.now()
    const ms = Math.min(timeoutMs, this.limits.typingMs)
    const id = `${user}\0${room}`
    const known = this.told.get(id) ?? 0
    // Enough of the last one is left, or there is none to take back.
    if (ms === 0 ? known <= now : known - now > ms / 2) return
    this.told.delete(id)
    if (ms > 0) this.told.set(id, now + ms)
    for (const [oldest, until] of this.told) {
      if (this.told.size <= toldMax && until > now) break
      this.told.delete(oldest)
    }
    const headers = { v: recordVersion, kind: 'typing', sender: user }
    void this.log.publish(this.log.partitionOf(room), [{ key: room, value: String(ms), headers }])
  }

  receive({ key, value, headers: { sender } }: LogRecord): void {
    if (key === null || value === null || sender === undefined || !this.audience.has(key)) return
    const ms = Math.min(Number(value.toString()), this.limits.typingMs)
    if (!Number.isFinite(ms)) return
    let room = this.rooms.get(key)
    if (!room) this.rooms.set(key, (room = { users: new Map(), shown: '' }))
    if (ms <= 0) room.users.delete(sender)
    else if (room.users.has(sender) || room.users.size < usersMax) room.users.set(sender, this.clock.now() + ms)
    this.plan(key, room)
  }

  close(): void {
    for (const { flush, timer } of this.rooms.values()) {
      flush?.cancel()
      timer?.cancel()
    }
    this.rooms.clear()
  }

  private plan(id: string, room: TypingRoom): void {
    room.flush ??= this.clock.after(coalesceMs, () => {
      delete room.flush
      this.show(id, room)
    })
  }

  private show(id: string, room: TypingRoom): void {
    const now = this.clock.now()
    for (const [user, until] of room.users) if (until <= now) room.users.delete(user)
    const users = [...room.users.keys()]
    const shown = users.length === 0 ? '' : JSON.stringify(users)
    if (shown !== room.shown) {
      room.shown = shown
      const frame = Frame.text(`{"signal":{"room":${JSON.stringify(id)},"type":"typing","users":${shown || '[]'}}}`)
      this.audience.deliver('typing', id, () => frame)
    }
    room.timer?.cancel()
    if (users.length === 0) this.rooms.delete(id)
    else room.timer = this.clock.after(Math.max(Math.min(...room.users.values()) - now, 1), () => this.plan(id, room))
  }
}

const defaultMs = 10_000
const coalesceMs = 150
/** Users of one room that are shown as typing; more are not told apart from many. */
const usersMax = 100
const toldMax = 20_000
