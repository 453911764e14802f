/**
 * What an authority tells about itself: figures and log lines. Nothing here holds content, and labels never hold
 * what a client can invent.
 */
export interface Observer {
  count(figure: Figure, by?: number, label?: string): void
  /** Milliseconds. */
  time(figure: Timed, ms: number): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** `decided` is labelled with the outcome (`accepted`, `repeated`, `forwarded`, `parked`, `dropped`, `redirected`, or a refusal's code). */
export type Figure =
  | 'decided'
  | 'batches'
  | 'events'
  | 'marks'
  | 'conflicts'
  | 'unknowns'
  | 'unknownsTaken'
  | 'discarded'
  | 'voids'
  | 'followUps'
  | 'poison'
  | 'roomsStopped'
  | 'commandsLost'
  | 'takeovers'
  | 'checkpoints'
  | 'chunks'
  | 'chunksDoubled'
  | 'staleChunks'
  | 'strangeChunks'
  | 'otherLogs'
  | 'timesPassed'
  | 'repeatsAnswered'

export type Timed = 'takeover' | 'append' | 'checkpoint'

/** Figures in memory; for tests, and as the ground of nothing else. */
export class Figures implements Observer {
  readonly counts = new Map<string, number>()

  get(figure: Figure, label?: string): number {
    return this.counts.get(label === undefined ? figure : `${figure} ${label}`) ?? 0
  }

  count(figure: Figure, by = 1, label?: string): void {
    const name = label === undefined ? figure : `${figure} ${label}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }

  time(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
