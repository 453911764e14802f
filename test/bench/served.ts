/** A server process of `fanout-server.ts`, as the benchmarks of one edge use it: on a core of its own, with its clients. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { TokenSigner } from '../harness/token.ts'
import type { Done, Measure, Wish } from './fanout-server.ts'
import { inParallel, LoadSocket } from './wire.ts'

export const serverCore = '0'
export const generatorCore = '1'
const priority = -10

export class ServedSide {
  url = ''
  adminUrl = ''
  readonly sockets: LoadSocket[] = []
  private readonly child: ChildProcess
  private readonly tokens: TokenSigner

  private constructor(child: ChildProcess, tokens: TokenSigner) {
    this.child = child
    this.tokens = tokens
  }

  static async start(name: 'edge' | 'bare', rooms: number, env: Record<string, string> = {}): Promise<ServedSide> {
    const tokens = new TokenSigner(randomBytes(32).toString('hex'))
    const script = new URL('./fanout-server.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [...process.execArgv, '--expose-gc', script, name, String(rooms)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ROOMLOG_AUTH_SECRET: tokens.secret, ...env },
    })
    pin(child.pid!, serverCore)
    const side = new ServedSide(child, tokens)
    const [{ url, adminUrl }] = (await once(child, 'message')) as [{ url: string; adminUrl: string }]
    Object.assign(side, { url, adminUrl })
    pin(child.pid!, serverCore)
    return side
  }

  /** Opens so many more sockets, each of a user of its own, authenticated and in room `i % rooms`. */
  async enter(count: number, rooms: number): Promise<LoadSocket[]> {
    const first = this.sockets.length
    await inParallel(count, 20, async (i) => {
      const socket = await LoadSocket.open(this.url)
      this.sockets[first + i] = socket
      await socket.request({ op: 'auth', token: await this.tokens.user(`user-${first + i}`) })
      await socket.request({ op: 'subscribe', room: `room-${(first + i) % rooms}` })
    })
    return this.sockets.slice(first)
  }

  async enterBare(count: number, rooms: number): Promise<void> {
    await inParallel(count, 20, async (i) => {
      const socket = await LoadSocket.open(this.url)
      this.sockets.push(socket)
      await socket.request({ room: i % rooms })
    })
  }

  async run(wish: Wish): Promise<Done> {
    this.child.send(wish)
    return ((await once(this.child, 'message')) as [Done])[0]
  }

  async measure(): Promise<Measure> {
    this.child.send('measure')
    return ((await once(this.child, 'message')) as [Measure])[0]
  }

  /** User and system time so far. */
  async cpuUs(): Promise<number> {
    this.child.send('cpu')
    return ((await once(this.child, 'message')) as [number])[0]
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text()
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))]
    return values.reduce((sum, match) => sum + Number(match[1]), 0)
  }

  stop(): void {
    for (const socket of this.sockets) socket?.close()
    this.child.disconnect()
  }
}

/** All threads of a process on one core, before others. False where that is not to be had. */
export function pin(pid: number, core: string): boolean {
  try {
    execFileSync('taskset', ['-acp', core, String(pid)], { stdio: 'ignore' })
    setPriority(pid, priority)
    return true
  } catch {
    return false
  }
}
