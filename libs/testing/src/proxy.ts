/**
 * A TCP proxy between any two parts, that can be told to misbehave: refuse, cut, stall (accept and say nothing, as a
 * paused process or a lost route), or delay every byte. Bytes are never reordered or changed.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface FaultProxy {
  readonly port: number
  /** Milliseconds that every chunk waits, each way. */
  delay(ms: number): void
  /** Holds every byte back, both ways or one, until `heal`. Connections stay open. */
  stall(direction?: 'both' | 'toTarget' | 'toSource'): void
  /** Ends all connections with a reset, now. */
  cut(): void
  /** Ends all connections and takes no new ones until `heal`. */
  refuse(): void
  /** As if nothing had ever been asked of it. */
  heal(): void
  connections(): number
  stop(): Promise<void>
}

interface Faults {
  delayMs: number
  stalled: Set<'toTarget' | 'toSource'>
  refusing: boolean
}

/** @param target where to connect for each connection that is taken. @param port 0 = any free one. */
export async function startProxy(target: { host?: string; port: number }, port = 0): Promise<FaultProxy> {
  const faults: Faults = { delayMs: 0, stalled: new Set(), refusing: false }
  const open = new Set<Socket>()
  const pipes = new Set<Pipe>()
  const server: Server = createServer((source) => {
    if (faults.refusing) return void source.resetAndDestroy()
    const upstream = connect(target.port, target.host ?? '127.0.0.1')
    const end = () => {
      source.destroy()
      upstream.destroy()
    }
    for (const socket of [source, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    for (const pipe of [new Pipe(source, upstream, 'toTarget', faults), new Pipe(upstream, source, 'toSource', faults)]) {
      pipes.add(pipe)
      source.once('close', () => pipes.delete(pipe))
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))

  const cut = () => {
    for (const socket of open) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => {
      faults.delayMs = ms
    },
    stall: (direction = 'both') => {
      if (direction !== 'toSource') faults.stalled.add('toTarget')
      if (direction !== 'toTarget') faults.stalled.add('toSource')
    },
    cut,
    refuse: () => {
      faults.refusing = true
      cut()
    },
    heal: () => {
      faults.delayMs = 0
      faults.stalled.clear()
      faults.refusing = false
      for (const pipe of pipes) pipe.drain()
    },
    connections: () => open.size / 2,
    stop: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One direction of one connection: a queue, so that order is kept whatever the delay is. */
class Pipe {
  private readonly queue: { chunk: Buffer; dueMs: number }[] = []
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly source: Socket,
    private readonly target: Socket,
    private readonly direction: 'toTarget' | 'toSource',
    private readonly faults: Faults,
  ) {
    source.on('data', (chunk: Buffer) => {
      this.queue.push({ chunk, dueMs: performance.now() + faults.delayMs })
      this.drain()
    })
    source.on('end', () => target.end())
    source.once('close', () => clearTimeout(this.timer))
  }

  drain(): void {
    clearTimeout(this.timer)
    while (this.queue.length > 0) {
      if (this.faults.stalled.has(this.direction) || this.target.destroyed) return
      const waitMs = this.queue[0]!.dueMs - performance.now()
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.drain(), waitMs)
        return
      }
      this.target.write(this.queue.shift()!.chunk)
    }
    if (this.source.isPaused()) this.source.resume()
  }
}
