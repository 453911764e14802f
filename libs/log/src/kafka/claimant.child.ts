/** Claims a share of the partitions and says so. Killed by the fault test. */
import { openLog } from '../open.js'

const log = await openLog(process.argv[2]!, { partitions: Number(process.argv[3]), kafka: { sessionTimeoutMs: 6_000 } })
await log.claim('authority', ['room.commands'], {
  onGranted: (partitions) => void process.stdout.write(`${partitions.length}\n`),
  onRevoked: async () => {},
})
