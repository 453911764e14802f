import { type DatabaseOptions, openDatabase } from './database.js'
import { readCheckpoints } from './store/checkpoints.js'
import type { Checkpoint } from './store/entities.js'

/** How far each partition is stored, for who looks while no instance runs. Opens the database and closes it again. */
export async function storedCheckpoints(options: DatabaseOptions): Promise<Checkpoint[]> {
  const database = await openDatabase({ connectionsMax: 1, ...options })
  try {
    return await readCheckpoints(database.dataSource)
  } finally {
    await database.close()
  }
}
