/**
 * One process per directory. The lock is a file that names its holder: judged by the process where it can be (same
 * machine, same process namespace, not a reused ID), otherwise by how lately the holder has touched it.
 */

import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, unlinkSync } from 'node:fs'
import { link, mkdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RoomlogError } from '../failure.js'

interface Holder {
  pid: number
  /** Boot and process namespace: process IDs mean something only there. */
  home: string
  /** Clock ticks since boot at the process's start, so that a reused ID is not taken for it. */
  started: string
  token: string
}

const touchMs = 2_000
/** A holder that cannot be looked at is gone when it has not touched its lock for so long. */
const untouchedMsMax = 10_000

/** @returns the way to release it. @throws RoomlogError `unavailable` where a living process holds the directory. */
export async function lockDirectory(directory: string): Promise<() => void> {
  await mkdir(directory, { recursive: true })
  const path = join(directory, 'lock')
  const mine: Holder = { pid: process.pid, home: home(), started: started(process.pid), token: randomUUID() }
  const draft = `${path}.${mine.token}`
  await writeFile(draft, JSON.stringify(mine))
  try {
    for (let tries = 0; ; tries++) {
      const taken = await link(draft, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) break
      const holder = await holderOf(path)
      if (tries > 3 || (holder && (await lives(path, holder)))) {
        throw new RoomlogError(
          'unavailable',
          `${directory} is in use by process ${holder?.pid ?? '?'}: one process at a time can have a file: log`,
          { retriable: false },
        )
      }
      await rename(path, `${draft}.stale`).then(
        () => unlink(`${draft}.stale`),
        () => {},
      )
    }
  } finally {
    await unlink(draft)
  }
  // Two that saw the same stale lock may both have put theirs there: only the last one's stands.
  await delay(20)
  if ((await holderOf(path))?.token !== mine.token)
    throw new RoomlogError('unavailable', `${directory} was just taken by another process`, { retriable: false })
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), touchMs).unref()
  return () => {
    clearInterval(timer)
    try {
      if ((JSON.parse(readFileSync(path, 'utf8')) as Holder).token === mine.token) unlinkSync(path)
    } catch {
      // Whoever removed it has ended our hold already.
    }
  }
}

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

async function lives(path: string, holder: Holder): Promise<boolean> {
  if (holder.home === home()) return started(holder.pid) === holder.started
  const { mtimeMs } = await stat(path)
  return Date.now() - mtimeMs < untouchedMsMax
}

function home(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return process.platform
  }
}

/** Empty where there is no such process, or only what is left of it until its parent has noticed (a zombie). */
function started(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : fields[19]!
  } catch {
    if (process.platform === 'linux') return ''
  }
  try {
    process.kill(pid, 0)
    return 'running'
  } catch {
    return ''
  }
}
