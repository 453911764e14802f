/**
 * Several edge processes behind one port, for machines with more cores than one. The primary accepts and hands each connection to
 * the next worker; it holds no connection and no log itself. A worker that ends is started again, with growing delay.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Logger } from '@roomlog/runtime'

export interface WorkersOptions {
  count: number
  logger: Logger
}

/** Resolves when all of them listen. @throws if one ends before that. */
export async function startWorkers({ count, logger }: WorkersOptions): Promise<{ stop(): Promise<void> }> {
  const running = new Map<number, Worker>()
  let stopping = false
  let restarts = 0

  const start = (slot: number): Worker => {
    cluster.setupPrimary({ args: [...process.argv.slice(2), `${slotArgument}${slot}`] })
    const worker = cluster.fork()
    running.set(slot, worker)
    return worker
  }
  const keep = (slot: number, worker: Worker): void => {
    const ended = (code: number | null, signal: string | null) => {
      if (stopping) return
      logger.error({ worker: slot, code, signal }, 'worker ended')
      const delayMs = Math.min(restartMsMin * 2 ** restarts++, restartMsMax)
      setTimeout(() => stopping || keep(slot, start(slot)), delayMs)
    }
    // It may have ended between listening and now.
    if (worker.isDead()) return ended(worker.process.exitCode, worker.process.signalCode)
    worker.once('exit', ended)
    worker.once('listening', () => setTimeout(() => (restarts = 0), restartMsMax).unref())
  }

  const listening: Promise<unknown>[] = []
  for (let slot = 1; slot <= count; slot++) listening.push(listens(start(slot)))
  const stop = async () => {
    stopping = true
    await Promise.all([...running.values()].filter((worker) => !worker.isDead()).map((worker) => stopOne(worker)))
  }
  await Promise.all(listening).catch(async (error) => {
    await stop()
    throw error
  })
  for (const [slot, worker] of running) keep(slot, worker)
  return { stop }
}

/** Which worker this process is, from 1 on; undefined = none. */
export function workerSlot(): number | undefined {
  if (cluster.isPrimary) return undefined
  return Number(process.argv.find((argument) => argument.startsWith(slotArgument))?.slice(slotArgument.length))
}

/** Calls back when the primary wants this worker to stop in good order. */
export function onStop(stop: () => void): void {
  process.on('message', (message) => {
    if (message === stopMessage) stop()
  })
}

async function listens(worker: Worker): Promise<void> {
  const ended = once(worker, 'exit').then(([code, signal]) => {
    throw new Error(`a worker ended with ${code ?? signal} before it listened`)
  })
  await Promise.race([once(worker, 'listening'), ended])
  ended.catch(() => {})
}

async function stopOne(worker: Worker): Promise<void> {
  const ended = once(worker, 'exit')
  // Not a signal: a terminal's own may be on its way already, and a second one means at once.
  if (worker.isConnected()) worker.send(stopMessage)
  else worker.process.kill('SIGTERM')
  await ended
}

const slotArgument = '--worker='
const stopMessage = 'stop'
const restartMsMin = 500
const restartMsMax = 30_000
