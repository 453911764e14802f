/** The indexer: fills the words of search behind the archiver, in small steps, and leaves it the machine while it is busy. */
import type { DataSource } from 'typeorm'
import type { ArchiverLogger } from './archiver.js'
import type { Progress } from './progress.js'
import { countWords, indexStep, prepareIndex } from './store/words.js'

export interface IndexerOptions {
  dataSource: DataSource
  progress: Progress
  logger: ArchiverLogger
  /** Pause after a step, as a multiple of what the step took: the part of a processor that indexing takes while there is much to do. */
  pauseFactor?: number
}

/** Records behind the log from which the archiver is busy: indexing then takes one step in so long a time. */
const busyRecords = 1_000
const busyMs = 2_000
/** After a commit so much time is left for the next one before its words are looked at. */
const settleMs = 50
/** After so many steps the database counts its words anew: without that it sorts all that a frequent word matches. */
const countedSteps = 20
/** What other instances have stored is found this often. */
const askMs = 1_000
const retryMs = 2_000

export class Indexer {
  private stopped = false
  private running: Promise<void> | undefined
  private wake: (() => void) | undefined
  private unlisten: (() => void) | undefined

  constructor(private readonly options: IndexerOptions) {}

  start(): void {
    this.unlisten = this.options.progress.onCommitted(() => this.wake?.())
    this.running = this.run()
  }

  /** Resolves when no step is running. */
  async stop(): Promise<void> {
    this.stopped = true
    this.unlisten?.()
    this.wake?.()
    await this.running
  }

  private async run(): Promise<void> {
    const { dataSource, logger, pauseFactor = 1 } = this.options
    let steps = 0
    while (!this.stopped) {
      try {
        await prepareIndex(dataSource)
        for (let startedAt = performance.now(); !this.stopped && (await indexStep(dataSource)); startedAt = performance.now()) {
          steps++
          await this.pause((performance.now() - startedAt) * pauseFactor, false)
          for (const until = performance.now() + busyMs; this.busy && performance.now() < until; ) await this.pause(settleMs, false)
        }
        if (steps >= countedSteps && !this.stopped) {
          await countWords(dataSource)
          steps = 0
        }
        await this.pause(askMs, true)
        await this.pause(settleMs, false)
      } catch (error) {
        if (this.stopped) return
        logger.warn({ err: error }, 'words could not be indexed; search is behind')
        await this.pause(retryMs, false)
      }
    }
  }

  private get busy(): boolean {
    return !this.stopped && this.options.progress.behind() > busyRecords
  }

  /** @param early ends with the next commit */
  private async pause(ms: number, early: boolean): Promise<void> {
    if (this.stopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        if (!early && !this.stopped) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
