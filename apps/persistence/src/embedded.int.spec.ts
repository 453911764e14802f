/** The real embedded server, in temporary directories. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { type EmbeddedServer, socketDirFor, startEmbedded } from './embedded.js'
import { until } from './testing/archive.js'

const directories: string[] = []
const servers: EmbeddedServer[] = []
const directory = () => {
  const dir = mkdtempSync(join(tmpdir(), 'roomlog-embedded-'))
  directories.push(dir)
  return dir
}
const start = async (dir: string) => {
  const server = await startEmbedded({ dir })
  servers.push(server)
  return server
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
})

async function query(url: string, sql: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Starts a server from a process of its own (built sources), and kills that process. */
async function abandoned(dir: string): Promise<number> {
  const script = `const { startEmbedded } = await import(${JSON.stringify(join(import.meta.dirname, '../dist/embedded.js'))})
    await startEmbedded({ dir: ${JSON.stringify(dir)} }); console.log('up'); setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(owner.stdout!, 'data')
  const pid = serverPid(dir)
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  return pid
}

const serverPid = (dir: string) => Number(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])

describe('the embedded server', () => {
  it('keeps its data from one start to the next, and listens on a socket alone', async () => {
    const dir = directory()
    const first = await start(dir)
    await query(first.url, 'create table kept (n int)')
    await query(first.url, 'insert into kept values (7)')
    const [settings] = await query(
      first.url,
      `select current_setting('synchronous_commit') as sync, current_setting('fsync') as fsync, current_setting('listen_addresses') as listen`,
    )
    expect(settings).toEqual({ sync: 'on', fsync: 'on', listen: '' })
    await first.stop()
    servers.length = 0
    const second = await start(dir)
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
    expect(statSync(socketDirFor(dir)).mode & 0o077).toBe(0)
  })

  it('stands on a short path where the data directory’s is too long for a socket', async () => {
    const dir = join(directory(), 'a'.repeat(120))
    mkdirSync(dir)
    expect(socketDirFor(dir).startsWith(dir)).toBe(false)
    const server = await start(dir)
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('starts beside a pid file whose process is somebody else', async () => {
    const dir = directory()
    const first = await start(dir)
    await first.stop()
    servers.length = 0
    writeFileSync(join(dir, 'data', 'postmaster.pid'), `${process.pid}\n${join(dir, 'data')}\n`)
    const second = await start(dir)
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('ends with the process that started it, also by kill -9, and starts again at once', async () => {
    const dir = directory()
    const before = await abandoned(dir)
    const server = await start(dir)
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(serverPid(dir)).not.toBe(before)
    expect(existsSync(`/proc/${before}`)).toBe(false)
  })

  it('says when it ends without having been asked', async () => {
    const dir = directory()
    const server = await start(dir)
    let reason = ''
    server.onExit((text) => {
      reason = text
    })
    process.kill(serverPid(dir), 'SIGQUIT')
    await until(() => reason !== '')
    expect(existsSync(join(dir, 'data'))).toBe(true)
  })
})
