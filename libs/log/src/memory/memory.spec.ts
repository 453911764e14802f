import { LocalCore } from '../local/core.js'
import { LocalLog } from '../local/log.js'
import { logContract } from '../log.contract.js'
import { partitions } from '../stage.contract.js'
import { MemoryStore } from './store.js'

logContract('memory', async () => {
  let id = 0
  const core = new LocalCore('memory:', partitions, new MemoryStore(Date.now, () => String(++id)), 10_000)
  return {
    open: async () => new LocalLog(core, async () => {}),
    plant: async (topic, partition, records) => {
      await core.store.write(core.topic(topic), partition, records)
    },
    remove: async () => {},
  }
})
