/**
 * What a batch would make of the rooms, before the log has taken it: a copy-on-write layer over the committed entries.
 * It is committed whole when the batch is appended, and dropped whole otherwise. Within it each command is a step of its
 * own: accepted when all of its events could be folded, abandoned when one could not.
 */
import type { Command, Entry, EntryKey, RoomEvent, RoomState } from '@roomlog/domain'
import type { Refusals } from './refusals.js'
import { Room } from './room.js'
import type { Rules } from './rules.js'

export class Overlay {
  private readonly changed = new Map<string, OverlayRoom>()

  constructor(
    private readonly rooms: Map<string, Room>,
    private readonly refusals: Refusals,
    private readonly rules: Rules,
  ) {}

  room(name: string): OverlayRoom {
    let room = this.changed.get(name)
    if (!room) this.changed.set(name, (room = new OverlayRoom(name, this.rooms.get(name), this.refusals, this.rules)))
    return room
  }

  /** @param dirty told the rooms that a checkpoint must write */
  commit(dirty: Set<Room>): void {
    for (const [name, overlay] of this.changed) {
      overlay.commitRefusals()
      if (!overlay.changed) continue
      let room = this.rooms.get(name)
      if (!room) this.rooms.set(name, (room = new Room(name)))
      overlay.commit(room)
      dirty.add(room)
    }
  }
}

export class OverlayRoom implements RoomState {
  private readonly entries = new Map<EntryKey, Entry | undefined>()
  private readonly step = new Map<EntryKey, Entry | undefined>()
  private readonly refused = new Map<EntryKey, Entry>()

  constructor(
    private readonly name: string,
    private readonly base: Room | undefined,
    private readonly refusals: Refusals,
    private readonly rules: Rules,
  ) {}

  /** An event of this room could not be folded: it takes nothing more. */
  get stopped(): boolean {
    return this.base?.stoppedAt !== undefined
  }

  get changed(): boolean {
    return this.entries.size > 0
  }

  get(key: EntryKey): Entry | undefined {
    if (this.step.size > 0 && this.step.has(key)) return this.step.get(key)
    if (this.entries.has(key)) return this.entries.get(key)
    return this.base?.get(key) ?? this.refused.get(key) ?? this.refusals.get(this.name, key)
  }

  *keys(prefix: string): Iterable<EntryKey> {
    const own = new Map([...this.entries, ...this.step])
    for (const [key, entry] of own) if (entry !== undefined && key.startsWith(prefix)) yield key
    for (const key of this.base?.keys(prefix) ?? []) if (!own.has(key)) yield key
  }

  /** Folds one event into the running step. @throws whatever the rules throw; then `abandon` */
  fold(event: RoomEvent): void {
    for (const key of this.rules.touches(event)) this.step.set(key, this.rules.evolveEntry(key, this.get(key), event))
  }

  accept(): void {
    for (const [key, entry] of this.step) this.entries.set(key, entry)
    this.step.clear()
  }

  abandon(): void {
    this.step.clear()
  }

  noteRefused(command: Command): void {
    if (command.actionId === undefined) return
    const key = this.rules.refusedKeyOf(command)
    this.refused.set(key, this.rules.noteRefused(this.get(key), command))
  }

  commit(room: Room): void {
    for (const [key, entry] of this.entries) room.set(key, entry)
  }

  commitRefusals(): void {
    for (const [key, entry] of this.refused) this.refusals.set(this.name, key, entry)
  }
}
