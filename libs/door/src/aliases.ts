/** Aliases → rooms, by asking persistence; with a small memory, because an alias is used again and again. */

/** `undefined` = there is no such alias. Throws where it cannot be known now. */
export type ResolveAlias = (alias: string) => Promise<string | undefined>

const rememberedMax = 10_000
const rememberedMs = 10_000
/** The projection may be a moment behind the alias that was given just now. */
const retryDelaysMs = [0, 100, 400]

export class Aliases {
  private readonly known = new Map<string, { room: string; until: number }>()

  constructor(
    private readonly resolve: ResolveAlias,
    private readonly now: () => number = () => performance.now(),
  ) {}

  async room(alias: string): Promise<string | undefined> {
    const known = this.known.get(alias)
    if (known && known.until > this.now()) return known.room
    for (const delayMs of retryDelaysMs) {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      const room = await this.resolve(alias)
      if (room !== undefined) {
        this.remember(alias, room)
        return room
      }
    }
    return undefined
  }

  remember(alias: string, room: string): void {
    this.known.delete(alias)
    this.known.set(alias, { room, until: this.now() + rememberedMs })
    if (this.known.size > rememberedMax) this.known.delete(this.known.keys().next().value as string)
  }

  forget(alias: string): boolean {
    return this.known.delete(alias)
  }
}
