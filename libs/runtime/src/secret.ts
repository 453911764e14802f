import { createHmac, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The secret of development mode, in `<dataDir>/dev-secret`, readable by its owner only. Processes that start together
 * agree on one: the file appears complete or not at all, and the first to link it wins.
 */
export function developmentSecret(dataDir: string, create: boolean): string | undefined {
  const path = join(dataDir, 'dev-secret')
  const found = read(path)
  if (found || !create) return found
  mkdirSync(dataDir, { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  chmodSync(path, 0o600)
  return read(path)
}

/** One secret must not serve two purposes: who may sign tokens for users must not thereby sign for the services. */
export function deploymentSecret(authSecret: string): string {
  return createHmac('sha256', authSecret).update('roomlog deployment secret v1').digest('base64url')
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
