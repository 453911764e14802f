/**
 * One process of a deployment under test: started, watched, ended by its own id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Service {
  name: string
  url: string
  /** Listener of /metrics and /health. */
  adminUrl: string
  /** Everything that it printed, at most the last `outputBytesMax`. */
  output(): string
  pid(): number
  kill(signal: NodeJS.Signals): Promise<void>
  /** Freezes and thaws the process: it sees a jump in time. */
  pause(): void
  resume(): void
  /** Starts it again with the same environment and port, after `kill`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const outputBytesMax = 4 * 1024 * 1024
const readyMsMax = 90_000

/** @throws with the process's output if it is not ready in 90 s. */
export async function startService(options: {
  name: string
  script: string
  args?: string[]
  env: Record<string, string>
  url: string
  adminUrl: string
}): Promise<Service> {
  let child: ChildProcess
  let output = ''
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-outputBytesMax)
  }

  function launch(): void {
    child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout!.on('data', collect)
    child.stderr!.on('data', collect)
  }

  const ended = () => child.exitCode !== null || child.signalCode !== null

  async function ready(): Promise<void> {
    const deadline = Date.now() + readyMsMax
    while (Date.now() < deadline) {
      if (ended()) throw new Error(`${options.name} ended with ${child.exitCode ?? child.signalCode} before it was ready:\n${output}`)
      try {
        const answer = await fetch(`${options.adminUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) })
        if (answer.ok) return
      } catch {}
      await sleep(50)
    }
    throw new Error(`${options.name} is not ready after ${readyMsMax} ms:\n${output}`)
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (ended()) return
    const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await exit
  }

  launch()
  try {
    await ready()
  } catch (error) {
    await kill('SIGKILL')
    throw error
  }

  return {
    name: options.name,
    url: options.url,
    adminUrl: options.adminUrl,
    output: () => output,
    pid: () => child.pid!,
    kill,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await kill('SIGKILL')
      launch()
      await ready()
    },
    async stop() {
      if (ended()) return
      child.kill('SIGCONT')
      const graceful = kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await graceful
      clearTimeout(timer)
    },
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
