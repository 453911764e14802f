/**
 * One process per data directory. The lock is an abstract Unix socket named after the directory, so the kernel gives it back
 * however the process ends and there is no file to go stale. Elsewhere than on Linux the embedded log's own lock must do.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

export interface DirectoryLock {
  release(): Promise<void>
}

/** @throws Error that names the directory if another process holds it. */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  mkdirSync(dir, { recursive: true })
  if (process.platform !== 'linux') return { release: async () => {} }
  const name = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 32)
  const server = createServer((socket) => socket.destroy())
  try {
    await listen(server, `\0roomlog-${name}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(`another roomlog uses the directory ${dir}: stop it, or set ROOMLOG_DATA to another directory`)
  }
  server.unref()
  return { release: () => new Promise((resolve) => server.close(() => resolve())) }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => resolve())
  })
}
