/**
 * Commands that wait until the action before theirs (`prevActionId`) is decided. Who waits is a fact of the log (header
 * `parked`): what is here is rebuilt by deciding the same commands again, at take-over and after a discarded batch.
 */
import type { Command } from '@roomlog/domain'
import type { Bounds } from './bounds.js'
import type { Waiting } from './waiting.js'

interface Parked {
  waiting: Waiting
  deviceKey: string
  for: number
  untilMs: number
}

export class Parking {
  private readonly byOffset = new Map<number, Parked>()
  private readonly byDevice = new Map<string, Set<Parked>>()

  constructor(private readonly bounds: Pick<Bounds, 'parkedMax' | 'parkedPerDeviceMax'>) {}

  get size(): number {
    return this.byOffset.size
  }

  /** False = a bound is reached: the command is refused as `limited`. */
  add(waiting: Waiting, actionId: number, untilMs: number): boolean {
    const deviceKey = keyOf(waiting.command!)
    const device = this.byDevice.get(deviceKey)
    if (this.byOffset.size >= this.bounds.parkedMax || (device?.size ?? 0) >= this.bounds.parkedPerDeviceMax) return false
    const parked: Parked = { waiting, deviceKey, for: actionId, untilMs }
    this.byOffset.set(waiting.record.offset, parked)
    if (device) device.add(parked)
    else this.byDevice.set(deviceKey, new Set([parked]))
    return true
  }

  /** An action of a device was decided: takes out who waited for it. */
  decided(command: Command): Waiting[] {
    if (command.actionId === undefined || this.byOffset.size === 0) return []
    const device = this.byDevice.get(keyOf(command))
    if (!device) return []
    return this.remove([...device].filter((parked) => parked.for === command.actionId))
  }

  /** Takes out whose time is over at log time `at`. */
  expired(at: number): Waiting[] {
    if (this.byOffset.size === 0) return []
    return this.remove([...this.byOffset.values()].filter((parked) => parked.untilMs <= at))
  }

  /** The room and time of the first end. */
  get next(): { room: string; untilMs: number } | undefined {
    let next: Parked | undefined
    for (const parked of this.byOffset.values()) if (!next || parked.untilMs < next.untilMs) next = parked
    return next && { room: next.waiting.command!.room, untilMs: next.untilMs }
  }

  /** Takes out everybody. */
  clear(): Waiting[] {
    return this.remove([...this.byOffset.values()])
  }

  private remove(parked: Parked[]): Waiting[] {
    for (const one of parked) {
      this.byOffset.delete(one.waiting.record.offset)
      const device = this.byDevice.get(one.deviceKey)!
      device.delete(one)
      if (device.size === 0) this.byDevice.delete(one.deviceKey)
    }
    return parked.map(({ waiting }) => waiting)
  }
}

function keyOf(command: Command): string {
  return `${command.room}\u0000${command.sender.id}\u0000${command.device}`
}
