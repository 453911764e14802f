import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalCore } from '../local/core.js'
import { LocalLog } from '../local/log.js'
import { logContract } from '../log.contract.js'
import { partitions } from '../stage.contract.js'
import { FileStore } from './store.js'

// Nothing of what was written is kept in memory: what is read comes from the disk, as after a restart.
logContract('file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'roomlog-file-'))
  const store = await FileStore.open(directory, Date.now, () => {}, 0)
  const core = new LocalCore(`file:${directory}`, partitions, store, 10_000)
  return {
    open: async () => new LocalLog(core, async () => {}),
    plant: async (topic, partition, records) => {
      await store.write(
        core.topic(topic),
        partition,
        records,
        core.topic(topic).spec.append ? store.range(core.topic(topic), partition).end : undefined,
      )
    },
    remove: async () => {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})
