/**
 * Recent records of one partition, so that a short absence is replayed from memory.
 *
 * A ring covers every event of its partition from `start` on. Memory is bounded for the whole edge, not per partition:
 * the budget takes from the largest ring, so that one hot partition cannot push out what the quiet ones hold.
 */
import type { RoomRecord } from './record.js'

export class Ring {
  /** Records below this offset are not here. */
  start: number
  bytes = 0
  private readonly order = new Deque<RoomRecord>()
  private readonly rooms = new Map<string, Deque<RoomRecord>>()

  constructor(
    start: number,
    private readonly budget: RingBudget,
  ) {
    this.start = start
    budget.add(this)
  }

  push(record: RoomRecord): void {
    this.order.push(record)
    let room = this.rooms.get(record.room)
    if (!room) this.rooms.set(record.room, (room = new Deque()))
    room.push(record)
    this.bytes += record.bytes
    this.budget.took(record.bytes)
  }

  /** Records of a room with an offset ≥ `from`, ascending. Complete only where `from >= start`. */
  of(room: string, from = 0): RoomRecord[] {
    return this.rooms.get(room)?.since((record) => record.offset >= from) ?? []
  }

  /** Records of a room after `seq` if the ring holds all of them, proven by the first one's `seq`; else undefined. */
  after(room: string, seq: number, offset: number): RoomRecord[] | undefined {
    const found = this.rooms.get(room)?.since((record) => record.seq > seq) ?? []
    const first = found[0]
    if (first ? first.seq === seq + 1 : offset >= this.start) return found
    return undefined
  }

  at(offset: number): RoomRecord | undefined {
    const found = this.order.since((record) => record.offset >= offset)[0]
    return found?.offset === offset ? found : undefined
  }

  find(room: string, seq: number): RoomRecord | undefined {
    const found = this.rooms.get(room)?.since((record) => record.seq >= seq)[0]
    return found?.seq === seq ? found : undefined
  }

  /** Drops the oldest record. */
  shift(): void {
    const oldest = this.order.shift()
    if (!oldest) return
    const room = this.rooms.get(oldest.room)!
    room.shift()
    if (room.length === 0) this.rooms.delete(oldest.room)
    this.start = oldest.offset + 1
    this.bytes -= oldest.bytes
    this.budget.gave(oldest.bytes)
  }

  erase(record: RoomRecord, tombstone: Buffer): void {
    const before = record.bytes
    record.erase(tombstone)
    this.bytes += record.bytes - before
    this.budget.took(record.bytes - before)
  }

  close(): void {
    this.budget.remove(this)
  }
}

/** Bytes of all rings of an edge. */
export class RingBudget {
  bytes = 0
  private readonly rings = new Set<Ring>()

  constructor(private readonly bytesMax: number) {}

  add(ring: Ring): void {
    this.rings.add(ring)
  }

  remove(ring: Ring): void {
    this.rings.delete(ring)
    this.bytes -= ring.bytes
  }

  took(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > this.bytesMax) this.shrink()
  }

  gave(bytes: number): void {
    this.bytes -= bytes
  }

  /** Takes a slice at a time, so that a full budget does not look for the largest ring at every event. */
  private shrink(): void {
    const goal = this.bytesMax - Math.min(sliceBytes, this.bytesMax / 16)
    while (this.bytes > goal) {
      let largest: Ring | undefined
      for (const ring of this.rings) if (!largest || ring.bytes > largest.bytes) largest = ring
      if (!largest || largest.bytes === 0) return
      const floor = this.bytes - Math.max(this.bytes - goal, 1)
      while (this.bytes > floor && largest.bytes > 0) largest.shift()
    }
  }
}

const sliceBytes = 256 * 1024

/** A queue with amortised constant `shift` and binary search. */
class Deque<T> {
  private items: T[] = []
  private head = 0

  get length(): number {
    return this.items.length - this.head
  }

  push(item: T): void {
    this.items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.items[this.head++]
    if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** The items from the first one that satisfies `reached` (false … false true … true) on. */
  since(reached: (item: T) => boolean): T[] {
    let low = this.head
    let high = this.items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reached(this.items[middle]!)) high = middle
      else low = middle + 1
    }
    return this.items.slice(low)
  }
}
