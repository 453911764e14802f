/** How far persistence is, per partition: asked of the service, or read from its database where the service does not run. */
import { internalHeader, signInternal } from '@roomlog/door'
import type { Config } from '@roomlog/runtime'

export interface Checkpoint {
  topic: string
  partition: number
  /** Everything before it is stored. */
  offset: number
  /** Of the log that was archived. */
  epoch: string
}

/** Undefined where the service does not answer. */
export async function askCheckpoints({ persistenceUrl, secret }: Config): Promise<Checkpoint[] | undefined> {
  const path = '/internal/checkpoints'
  try {
    const answer = await fetch(`${persistenceUrl}${path}`, {
      headers: { [internalHeader]: signInternal(secret, path, Date.now()) },
      signal: AbortSignal.timeout(2_000),
    })
    return answer.ok ? ((await answer.json()) as { checkpoints: Checkpoint[] }).checkpoints : undefined
  } catch {
    return undefined
  }
}

/**
 * From the database of DATABASE_URL; without one, and with an embedded log, from the embedded one, which is started for it: its
 * owner does not run, for who holds the log holds the data directory. Undefined where there is no database to read.
 */
export async function readCheckpoints({ databaseUrl, dataDir, logUrl }: Config): Promise<Checkpoint[] | undefined> {
  if (databaseUrl === '' && !logUrl.startsWith('file:')) return undefined
  const { storedCheckpoints } = await import('@roomlog/persistence')
  return storedCheckpoints({ databaseUrl, dataDir })
}
