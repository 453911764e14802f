import type { Logger } from './logger.js'

export interface Step {
  name: string
  stop(): Promise<void> | void
}

export interface ShutdownOptions {
  logger: Logger
  /** All steps together take at most this long; then the process ends as it is. */
  graceMs: number
  exit?: (code: number) => void
}

/**
 * Ends a process in good order. Steps run one after another, the last added first (what was started last depends on what was
 * started before it); a step that throws does not keep the others from running.
 */
export class Shutdown {
  private readonly steps: Step[] = []
  private running: Promise<boolean> | undefined

  constructor(private readonly options: ShutdownOptions) {}

  add(name: string, stop: Step['stop']): void {
    this.steps.push({ name, stop })
  }

  /** SIGTERM and SIGINT begin it, a second one ends it at once; a bug (nobody caught it) ends the process with 1. */
  listen(): this {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.onSignal(signal))
    process.on('uncaughtException', (error) => this.onBug(error))
    process.on('unhandledRejection', (reason) => this.onBug(reason))
    return this
  }

  /** True if everything ended well and in time. Safe to call again. */
  run(): Promise<boolean> {
    this.running ??= this.stopAll()
    return this.running
  }

  private async onSignal(signal: string): Promise<void> {
    if (this.running) return this.exit(1)
    this.options.logger.info({ signal }, 'stopping')
    this.exit((await this.run()) ? 0 : 1)
  }

  private onBug(reason: unknown): void {
    this.options.logger.error({ err: reason }, 'a bug: the process ends and starts anew from the log')
    this.exit(1)
  }

  private async stopAll(): Promise<boolean> {
    const deadline = AbortSignal.timeout(this.options.graceMs)
    const late = new Promise<false>((resolve) => deadline.addEventListener('abort', () => resolve(false)))
    return Promise.race([this.stopInOrder(deadline), late])
  }

  private async stopInOrder(deadline: AbortSignal): Promise<boolean> {
    let well = true
    for (const step of [...this.steps].reverse()) {
      if (deadline.aborted) return false
      try {
        await step.stop()
      } catch (error) {
        well = false
        this.options.logger.error({ err: error, step: step.name }, 'a part did not stop in good order')
      }
    }
    return well
  }

  private exit(code: number): void {
    const exit = this.options.exit ?? process.exit
    exit(code)
  }
}
