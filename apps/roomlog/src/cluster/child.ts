/**
 * One process of the cluster: started, its lines passed on under its name, started again when it ends by itself, ended by
 * its own ID.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

export interface ChildOptions {
  name: string
  script: string
  args?: string[]
  env: NodeJS.ProcessEnv
  /** Told every line that it prints. */
  onLine?(line: string): void
  /** It has ended without being asked to, and is started again. */
  onEnded?(how: string): void
}

const restartAfterMs = 1_000
const stopMsMax = 25_000

export class Child {
  #process: ChildProcess | undefined
  #stopping = false
  /** After this it is started again when it ends; before, its end is a failure to start. */
  #settled = false
  readonly #failed = Promise.withResolvers<never>()

  constructor(private readonly options: ChildOptions) {
    this.#failed.promise.catch(() => {})
    this.#start()
  }

  /** Rejects if the process ends before `settle`. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  settle(): void {
    this.#settled = true
  }

  /** SIGTERM; SIGKILL if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
    await ended
    clearTimeout(timer)
  }

  #start(): void {
    const { name, script, args = [], env, onLine } = this.options
    // In a process group of its own: a Ctrl-C in the terminal is for us, who end the processes in their order.
    const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#process = child
    for (const [source, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      createInterface({ input: source }).on('line', (line) => {
        target.write(`${name.padEnd(nameWidth)} ${line}\n`)
        onLine?.(line)
      })
    }
    child.once('error', (error) => this.#failed.reject(error))
    child.once('exit', (code, signal) => void this.#ended(`${signal ?? `exit code ${code}`}`))
  }

  async #ended(how: string): Promise<void> {
    if (this.#stopping) return
    if (!this.#settled) return this.#failed.reject(new Error(`${this.options.name} ended (${how}) before it was ready`))
    this.options.onEnded?.(how)
    await delay(restartAfterMs)
    if (!this.#stopping) this.#start()
  }
}

const nameWidth = 12

/** Resolves when the service says that it is ready; rejects if it ends before, or after a minute and a half. */
export async function ready(child: Child, adminUrl: string): Promise<void> {
  const deadline = Date.now() + readyMsMax
  const poll = async () => {
    while (Date.now() < deadline) {
      const answer = await fetch(`${adminUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
      if (answer?.ok) return
      await delay(pollMs)
    }
    throw new Error(`${adminUrl}/health/ready does not say ready after ${readyMsMax} ms`)
  }
  await Promise.race([poll(), child.failed])
}

const readyMsMax = 90_000
const pollMs = 100
