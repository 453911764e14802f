import type { LogStats } from './port.js'

/** What one handle has done since it was opened. */
export class Counts {
  voids = 0
  conflicts = 0
  reconnects = 0
  private readonly bytes = new Map<string, number>()

  fetched(topic: string, partition: number, bytes: number): void {
    const key = `${topic}/${partition}`
    this.bytes.set(key, (this.bytes.get(key) ?? 0) + bytes)
  }

  read(): LogStats {
    return { fetchedBytes: Object.fromEntries(this.bytes), voids: this.voids, conflicts: this.conflicts, reconnects: this.reconnects }
  }
}
