/**
 * What was refused leaves no event; this is the owner's own memory of it, bounded, and lost with the owner.
 *
 * Refused actions per device: whoever waits for one need not. Refusals by origin: a record that the log holds twice (a write
 * that was given up and came all the same) gets its first answer again, so that nobody who was told "no" sees it happen.
 */
import type { Entry, EntryKey } from '@roomlog/domain'
import type { WireError } from '@roomlog/protocol'
import { bounds } from './bounds.js'

export class Refusals {
  private readonly entries = new Map<string, Entry>()
  private readonly origins = new Map<string, WireError>()

  get(room: string, key: EntryKey): Entry | undefined {
    return this.entries.size === 0 ? undefined : this.entries.get(`${room}\u0000${key}`)
  }

  set(room: string, key: EntryKey, entry: Entry): void {
    remember(this.entries, `${room}\u0000${key}`, entry, bounds.refusedDevicesMax)
  }

  byOrigin(room: string, origin: string): WireError | undefined {
    return this.origins.size === 0 ? undefined : this.origins.get(`${room}\u0000${origin}`)
  }

  setOrigin(room: string, origin: string, error: WireError): void {
    remember(this.origins, `${room}\u0000${origin}`, error, bounds.refusedOriginsMax)
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > max) map.delete(map.keys().next().value!)
}
